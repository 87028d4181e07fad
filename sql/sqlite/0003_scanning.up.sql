-- How mirrors are scanned and pushed, markers, what is to be done soon, and
-- what long jobs left behind.

ALTER TABLE mirror ADD COLUMN s3 TEXT NOT NULL DEFAULT '';
ALTER TABLE mirror ADD COLUMN s3_credentials_file TEXT NOT NULL DEFAULT '';
ALTER TABLE mirror ADD COLUMN renames TEXT NOT NULL DEFAULT '[]'; -- JSON list
ALTER TABLE mirror ADD COLUMN scan_exclude TEXT NOT NULL DEFAULT '[]'; -- JSON list
ALTER TABLE mirror ADD COLUMN scan_top TEXT NOT NULL DEFAULT '[]'; -- JSON list
ALTER TABLE mirror ADD COLUMN scan_interval INTEGER NOT NULL DEFAULT 0; -- ns
ALTER TABLE mirror ADD COLUMN no_range_check INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mirror ADD COLUMN source TEXT NOT NULL DEFAULT '';
ALTER TABLE mirror ADD COLUMN proxy TEXT NOT NULL DEFAULT '';
ALTER TABLE mirror ADD COLUMN quiet TEXT NOT NULL DEFAULT '[]'; -- JSON list
ALTER TABLE mirror ADD COLUMN push TEXT NOT NULL DEFAULT '';
ALTER TABLE mirror ADD COLUMN push_tier INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mirror ADD COLUMN scan_failures INTEGER NOT NULL DEFAULT 0;

-- Which files beyond 2 GiB a mirror's web servers serve from there on, asked
-- for once.
CREATE TABLE large_file (
	mirror  INTEGER PRIMARY KEY REFERENCES mirror (id) ON DELETE CASCADE,
	urls    TEXT NOT NULL, -- that were asked, JSON list
	sound   BLOB NOT NULL, -- roaring bitmap of file ids
	unsound BLOB NOT NULL, -- likewise
	since   INTEGER NOT NULL -- when the first of unsound was asked for; 0: none
);

-- A marker is a name and the paths that a mirror must hold to be shown with it.
CREATE TABLE marker (
	name  TEXT PRIMARY KEY,
	paths TEXT NOT NULL, -- JSON list
	place INTEGER NOT NULL -- its place among the columns
);

-- What somebody would like to be done before its turn.
CREATE TABLE wish (
	id      INTEGER PRIMARY KEY AUTOINCREMENT,
	kind    TEXT NOT NULL, -- scan, index, missed
	mirror  INTEGER NOT NULL, -- 0: every mirror
	subtree BLOB NOT NULL, -- '' the whole tree
	at      INTEGER NOT NULL, -- when it was last asked for
	due     INTEGER NOT NULL, -- not before
	times   INTEGER NOT NULL, -- how often it was asked for
	who     TEXT NOT NULL,
	UNIQUE (kind, mirror, subtree)
);

-- The last run of each recurring job, whichever host it was on.
CREATE TABLE job (
	name    TEXT PRIMARY KEY,
	started INTEGER NOT NULL,
	ended   INTEGER NOT NULL, -- 0: under way, or its host died
	failing INTEGER NOT NULL, -- how many runs failed one after the other
	holder  TEXT NOT NULL,
	error   TEXT NOT NULL -- of the last run; '' it was good
);
