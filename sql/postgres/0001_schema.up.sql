-- The first schema for PostgreSQL. Times are nanoseconds since the Unix epoch,
-- 0 means "never" or "not". Names and paths are bytes.

-- The oldest schema number whose program may still work on this database.
CREATE TABLE schema_info (
	one           bigint PRIMARY KEY CHECK (one = 1),
	oldest_schema bigint NOT NULL
);
INSERT INTO schema_info (one, oldest_schema) VALUES (1, 1);

-- The position of the database. Every visible write begins by raising revision
-- and drawing a new random stamp: the row lock makes commit order revision order.
CREATE TABLE head (
	one               bigint PRIMARY KEY CHECK (one = 1),
	revision          bigint NOT NULL,
	stamp             bigint NOT NULL,
	hash_key          bytea NOT NULL, -- 16 bytes, drawn at set-up
	prefix_generation bigint NOT NULL DEFAULT 0
);

-- What positions this database went through; kept for a week. A pair that is
-- neither here nor in head belongs to another history of the database.
CREATE TABLE change (
	revision bigint PRIMARY KEY,
	stamp    bigint NOT NULL,
	at       bigint NOT NULL
);

CREATE TABLE counter (
	name  text PRIMARY KEY,
	value bigint NOT NULL -- the last number given out
);
INSERT INTO counter (name, value) VALUES ('file', 0), ('folder', 1), ('mirror', 0), ('prefix_generation', 0);

-- Folder 1 is the root, its own parent.
CREATE TABLE folder (
	id     bigint PRIMARY KEY,
	parent bigint NOT NULL REFERENCES folder (id),
	name   bytea NOT NULL,
	UNIQUE (parent, name)
);
INSERT INTO folder (id, parent, name) VALUES (1, 1, '\x');

-- One row per version of a path. The current one has gone = 0.
CREATE TABLE file (
	id              bigint PRIMARY KEY,
	folder          bigint NOT NULL REFERENCES folder (id),
	name            bytea NOT NULL,
	size            bigint NOT NULL,
	mtime           bigint NOT NULL,
	mtime_precision bigint NOT NULL,
	ctime           bigint NOT NULL,
	seen            bigint NOT NULL,
	gone            bigint NOT NULL DEFAULT 0,
	revision        bigint NOT NULL
);
CREATE UNIQUE INDEX file_live ON file (folder, name) WHERE gone = 0;
CREATE INDEX file_kept ON file (folder, name) WHERE gone <> 0;
CREATE INDEX file_gone ON file (gone) WHERE gone <> 0;
CREATE INDEX file_revision ON file (revision);

-- Modification times that a version had before, when the origin's copy was
-- touched without being changed.
CREATE TABLE alt_mtime (
	file            bigint NOT NULL REFERENCES file (id) ON DELETE CASCADE,
	mtime           bigint NOT NULL,
	mtime_precision bigint NOT NULL,
	PRIMARY KEY (file, mtime)
);

CREATE TABLE digest (
	file     bigint PRIMARY KEY REFERENCES file (id) ON DELETE CASCADE,
	sha256   bytea NOT NULL,
	revision bigint NOT NULL
);
CREATE INDEX digest_revision ON digest (revision);

-- Symbolic links inside the tree.
CREATE TABLE alias (
	folder    bigint NOT NULL REFERENCES folder (id),
	name      bytea NOT NULL,
	target    bytea NOT NULL, -- path inside the tree
	is_folder boolean NOT NULL,
	gone      bigint NOT NULL DEFAULT 0,
	revision  bigint NOT NULL,
	PRIMARY KEY (folder, name)
);
CREATE INDEX alias_revision ON alias (revision);

-- What lies below a folder, as of index_state.revision.
CREATE TABLE folder_stat (
	folder bigint PRIMARY KEY REFERENCES folder (id) ON DELETE CASCADE,
	files  bigint NOT NULL,
	bytes  bigint NOT NULL,
	ids    bytea NOT NULL -- roaring bitmap of file ids
);

-- The origin and the last index run.
CREATE TABLE index_state (
	one        bigint PRIMARY KEY CHECK (one = 1),
	revision   bigint NOT NULL DEFAULT 0, -- folder_stat is made up to here
	url        text NOT NULL DEFAULT '',
	http       text NOT NULL DEFAULT '',
	host       text NOT NULL DEFAULT '',
	indexed_at bigint NOT NULL DEFAULT 0,
	stats      text NOT NULL DEFAULT '{}' -- JSON
);
INSERT INTO index_state (one) VALUES (1);

-- Ids of versions that were deleted lately, so that a scan which still knew
-- them does not bring them back into the holdings.
CREATE TABLE purged (
	at  bigint NOT NULL,
	ids bytea NOT NULL
);

CREATE TABLE mirror (
	id                  bigint PRIMARY KEY,
	name                text NOT NULL,
	http                text NOT NULL, -- JSON list
	rsync               text NOT NULL,
	ftp                 text NOT NULL,
	rsync_password_file text NOT NULL,
	continent           text NOT NULL,
	country             text NOT NULL,
	lat                 double precision,
	lng                 double precision,
	asns                text NOT NULL, -- JSON list
	prefixes            text NOT NULL, -- JSON list
	families            bigint NOT NULL,
	redirects           text NOT NULL,
	region_only         boolean NOT NULL,
	country_only        boolean NOT NULL,
	as_only             boolean NOT NULL,
	prefix_only         boolean NOT NULL,
	other_countries     text NOT NULL, -- JSON list
	exclude_countries   text NOT NULL, -- JSON list
	max_size            bigint NOT NULL,
	max_share           bigint NOT NULL,
	quota_bytes         bigint NOT NULL,
	quota_period        bigint NOT NULL,
	quota_spent         boolean NOT NULL,
	subtree             bytea NOT NULL,
	score               bigint NOT NULL,
	enabled             boolean NOT NULL,
	enable_after_scan   boolean NOT NULL,
	disabled_until      bigint NOT NULL,
	operator_name       text NOT NULL,
	operator_url        text NOT NULL,
	admin               text NOT NULL,
	admin_email         text NOT NULL,
	public_notes        text NOT NULL,
	comment             text NOT NULL,
	scan_succeeded      bigint NOT NULL,
	scan_attempted      bigint NOT NULL,
	scan_failing_since  bigint NOT NULL,
	scan_error          text NOT NULL,
	scan_protocol       text NOT NULL,
	scan_held           bigint NOT NULL,
	scan_files_per_sec  double precision NOT NULL,
	probe_down          boolean NOT NULL,
	probe_since         bigint NOT NULL,
	probe_error         text NOT NULL,
	created             bigint NOT NULL,
	gone                bigint NOT NULL DEFAULT 0,
	revision            bigint NOT NULL
);
CREATE UNIQUE INDEX mirror_name ON mirror (name) WHERE gone = 0;
CREATE INDEX mirror_revision ON mirror (revision);

-- Which file versions a mirror has: roaring bitmaps of file ids. exact: those
-- whose size a HEAD request confirmed.
CREATE TABLE holdings (
	mirror   bigint PRIMARY KEY REFERENCES mirror (id) ON DELETE CASCADE,
	held     bytea NOT NULL,
	exact    bytea NOT NULL,
	revision bigint NOT NULL
);

-- Who changed what. Names are kept as they were, so rows outlive mirrors.
CREATE TABLE event (
	id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at          bigint NOT NULL,
	mirror      bigint NOT NULL, -- 0: not about a mirror
	mirror_name text NOT NULL,
	who         text NOT NULL,
	what        text NOT NULL,
	detail      text NOT NULL
);
CREATE INDEX event_mirror ON event (mirror, id);

-- Who is at work on what, until when by the database's clock.
CREATE TABLE lease (
	name   text PRIMARY KEY,
	holder text NOT NULL,
	token  bigint NOT NULL,
	until  bigint NOT NULL
);

-- Announced prefixes. Only rows of head.prefix_generation count; an import
-- fills a generation of its own and then switches.
CREATE TABLE asn_prefix (
	generation bigint NOT NULL,
	prefix     text NOT NULL,
	asn        bigint NOT NULL
);
CREATE INDEX asn_prefix_generation ON asn_prefix (generation);

CREATE TABLE asn_import (
	generation bigint PRIMARY KEY,
	source     text NOT NULL,
	at         bigint NOT NULL,
	prefixes   bigint NOT NULL
);

-- Redirector nodes, as they last reported themselves.
CREATE TABLE node (
	name     text PRIMARY KEY,
	seen     bigint NOT NULL,
	revision bigint NOT NULL,
	stamp    bigint NOT NULL,
	settings text NOT NULL, -- JSON
	version  text NOT NULL
);

CREATE TABLE setting (
	name  text PRIMARY KEY,
	value text NOT NULL
);
