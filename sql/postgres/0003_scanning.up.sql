-- How mirrors are scanned and pushed, markers, what is to be done soon, and
-- what long jobs left behind.

ALTER TABLE mirror ADD COLUMN s3 text NOT NULL DEFAULT '';
ALTER TABLE mirror ADD COLUMN s3_credentials_file text NOT NULL DEFAULT '';
ALTER TABLE mirror ADD COLUMN renames text NOT NULL DEFAULT '[]'; -- JSON list
ALTER TABLE mirror ADD COLUMN scan_exclude text NOT NULL DEFAULT '[]'; -- JSON list
ALTER TABLE mirror ADD COLUMN scan_top text NOT NULL DEFAULT '[]'; -- JSON list
ALTER TABLE mirror ADD COLUMN scan_interval bigint NOT NULL DEFAULT 0; -- ns
ALTER TABLE mirror ADD COLUMN no_range_check boolean NOT NULL DEFAULT FALSE;
ALTER TABLE mirror ADD COLUMN source text NOT NULL DEFAULT '';
ALTER TABLE mirror ADD COLUMN proxy text NOT NULL DEFAULT '';
ALTER TABLE mirror ADD COLUMN quiet text NOT NULL DEFAULT '[]'; -- JSON list
ALTER TABLE mirror ADD COLUMN push text NOT NULL DEFAULT '';
ALTER TABLE mirror ADD COLUMN push_tier bigint NOT NULL DEFAULT 0;
ALTER TABLE mirror ADD COLUMN scan_failures bigint NOT NULL DEFAULT 0;

-- Which files beyond 2 GiB a mirror's web servers serve from there on, asked
-- for once.
CREATE TABLE large_file (
	mirror  bigint PRIMARY KEY REFERENCES mirror (id) ON DELETE CASCADE,
	urls    text NOT NULL, -- that were asked, JSON list
	sound   bytea NOT NULL, -- roaring bitmap of file ids
	unsound bytea NOT NULL, -- likewise
	since   bigint NOT NULL -- when the first of unsound was asked for; 0: none
);

-- A marker is a name and the paths that a mirror must hold to be shown with it.
CREATE TABLE marker (
	name  text PRIMARY KEY,
	paths text NOT NULL, -- JSON list
	place bigint NOT NULL -- its place among the columns
);

-- What somebody would like to be done before its turn.
CREATE TABLE wish (
	id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	kind    text NOT NULL, -- scan, index, missed
	mirror  bigint NOT NULL, -- 0: every mirror
	subtree bytea NOT NULL, -- '' the whole tree
	at      bigint NOT NULL, -- when it was last asked for
	due     bigint NOT NULL, -- not before
	times   bigint NOT NULL, -- how often it was asked for
	who     text NOT NULL,
	UNIQUE (kind, mirror, subtree)
);

-- The last run of each recurring job, whichever host it was on.
CREATE TABLE job (
	name    text PRIMARY KEY,
	started bigint NOT NULL,
	ended   bigint NOT NULL, -- 0: under way, or its host died
	failing bigint NOT NULL, -- how many runs failed one after the other
	holder  text NOT NULL,
	error   text NOT NULL -- of the last run; '' it was good
);
