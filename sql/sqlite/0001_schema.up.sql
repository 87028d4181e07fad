-- The first schema for SQLite. Times are nanoseconds since the Unix epoch,
-- 0 means "never" or "not". Names and paths are bytes.

-- The oldest schema number whose program may still work on this database.
CREATE TABLE schema_info (
	one           INTEGER PRIMARY KEY CHECK (one = 1),
	oldest_schema INTEGER NOT NULL
);
INSERT INTO schema_info (one, oldest_schema) VALUES (1, 1);

-- The position of the database. Every visible write begins by raising revision
-- and drawing a new random stamp: the row lock makes commit order revision order.
CREATE TABLE head (
	one               INTEGER PRIMARY KEY CHECK (one = 1),
	revision          INTEGER NOT NULL,
	stamp             INTEGER NOT NULL,
	hash_key          BLOB NOT NULL, -- 16 bytes, drawn at set-up
	prefix_generation INTEGER NOT NULL DEFAULT 0
);

-- What positions this database went through; kept for a week. A pair that is
-- neither here nor in head belongs to another history of the database.
CREATE TABLE change (
	revision INTEGER PRIMARY KEY,
	stamp    INTEGER NOT NULL,
	at       INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE counter (
	name  text PRIMARY KEY,
	value INTEGER NOT NULL -- the last number given out
) WITHOUT ROWID;
INSERT INTO counter (name, value) VALUES ('file', 0), ('folder', 1), ('mirror', 0), ('prefix_generation', 0);

-- Folder 1 is the root, its own parent.
CREATE TABLE folder (
	id     INTEGER PRIMARY KEY,
	parent INTEGER NOT NULL REFERENCES folder (id),
	name   BLOB NOT NULL,
	UNIQUE (parent, name)
);
INSERT INTO folder (id, parent, name) VALUES (1, 1, x'');

-- One row per version of a path. The current one has gone = 0.
CREATE TABLE file (
	id              INTEGER PRIMARY KEY,
	folder          INTEGER NOT NULL REFERENCES folder (id),
	name            BLOB NOT NULL,
	size            INTEGER NOT NULL,
	mtime           INTEGER NOT NULL,
	mtime_precision INTEGER NOT NULL,
	ctime           INTEGER NOT NULL,
	seen            INTEGER NOT NULL,
	gone            INTEGER NOT NULL DEFAULT 0,
	revision        INTEGER NOT NULL
);
CREATE UNIQUE INDEX file_live ON file (folder, name) WHERE gone = 0;
CREATE INDEX file_kept ON file (folder, name) WHERE gone <> 0;
CREATE INDEX file_gone ON file (gone) WHERE gone <> 0;
CREATE INDEX file_revision ON file (revision);

-- Modification times that a version had before, when the origin's copy was
-- touched without being changed.
CREATE TABLE alt_mtime (
	file            INTEGER NOT NULL REFERENCES file (id) ON DELETE CASCADE,
	mtime           INTEGER NOT NULL,
	mtime_precision INTEGER NOT NULL,
	PRIMARY KEY (file, mtime)
) WITHOUT ROWID;

CREATE TABLE digest (
	file     INTEGER PRIMARY KEY REFERENCES file (id) ON DELETE CASCADE,
	sha256   BLOB NOT NULL,
	revision INTEGER NOT NULL
);
CREATE INDEX digest_revision ON digest (revision);

-- Symbolic links inside the tree.
CREATE TABLE alias (
	folder    INTEGER NOT NULL REFERENCES folder (id),
	name      BLOB NOT NULL,
	target    BLOB NOT NULL, -- path inside the tree
	is_folder INTEGER NOT NULL,
	gone      INTEGER NOT NULL DEFAULT 0,
	revision  INTEGER NOT NULL,
	PRIMARY KEY (folder, name)
) WITHOUT ROWID;
CREATE INDEX alias_revision ON alias (revision);

-- What lies below a folder, as of index_state.revision.
CREATE TABLE folder_stat (
	folder INTEGER PRIMARY KEY REFERENCES folder (id) ON DELETE CASCADE,
	files  INTEGER NOT NULL,
	bytes  INTEGER NOT NULL,
	ids    BLOB NOT NULL -- roaring bitmap of file ids
);

-- The origin and the last index run.
CREATE TABLE index_state (
	one        INTEGER PRIMARY KEY CHECK (one = 1),
	revision   INTEGER NOT NULL DEFAULT 0, -- folder_stat is made up to here
	url        text NOT NULL DEFAULT '',
	http       text NOT NULL DEFAULT '',
	host       text NOT NULL DEFAULT '',
	indexed_at INTEGER NOT NULL DEFAULT 0,
	stats      text NOT NULL DEFAULT '{}' -- JSON
);
INSERT INTO index_state (one) VALUES (1);

-- Ids of versions that were deleted lately, so that a scan which still knew
-- them does not bring them back into the holdings.
CREATE TABLE purged (
	at  INTEGER NOT NULL,
	ids BLOB NOT NULL
);

CREATE TABLE mirror (
	id                  INTEGER PRIMARY KEY,
	name                text NOT NULL,
	http                text NOT NULL, -- JSON list
	rsync               text NOT NULL,
	ftp                 text NOT NULL,
	rsync_password_file text NOT NULL,
	continent           text NOT NULL,
	country             text NOT NULL,
	lat                 REAL,
	lng                 REAL,
	asns                text NOT NULL, -- JSON list
	prefixes            text NOT NULL, -- JSON list
	families            INTEGER NOT NULL,
	redirects           text NOT NULL,
	region_only         INTEGER NOT NULL,
	country_only        INTEGER NOT NULL,
	as_only             INTEGER NOT NULL,
	prefix_only         INTEGER NOT NULL,
	other_countries     text NOT NULL, -- JSON list
	exclude_countries   text NOT NULL, -- JSON list
	max_size            INTEGER NOT NULL,
	max_share           INTEGER NOT NULL,
	quota_bytes         INTEGER NOT NULL,
	quota_period        INTEGER NOT NULL,
	quota_spent         INTEGER NOT NULL,
	subtree             BLOB NOT NULL,
	score               INTEGER NOT NULL,
	enabled             INTEGER NOT NULL,
	enable_after_scan   INTEGER NOT NULL,
	disabled_until      INTEGER NOT NULL,
	operator_name       text NOT NULL,
	operator_url        text NOT NULL,
	admin               text NOT NULL,
	admin_email         text NOT NULL,
	public_notes        text NOT NULL,
	comment             text NOT NULL,
	scan_succeeded      INTEGER NOT NULL,
	scan_attempted      INTEGER NOT NULL,
	scan_failing_since  INTEGER NOT NULL,
	scan_error          text NOT NULL,
	scan_protocol       text NOT NULL,
	scan_held           INTEGER NOT NULL,
	scan_files_per_sec  REAL NOT NULL,
	probe_down          INTEGER NOT NULL,
	probe_since         INTEGER NOT NULL,
	probe_error         text NOT NULL,
	created             INTEGER NOT NULL,
	gone                INTEGER NOT NULL DEFAULT 0,
	revision            INTEGER NOT NULL
);
CREATE UNIQUE INDEX mirror_name ON mirror (name) WHERE gone = 0;
CREATE INDEX mirror_revision ON mirror (revision);

-- Which file versions a mirror has: roaring bitmaps of file ids. exact: those
-- whose size a HEAD request confirmed.
CREATE TABLE holdings (
	mirror   INTEGER PRIMARY KEY REFERENCES mirror (id) ON DELETE CASCADE,
	held     BLOB NOT NULL,
	exact    BLOB NOT NULL,
	revision INTEGER NOT NULL
);

-- Who changed what. Names are kept as they were, so rows outlive mirrors.
CREATE TABLE event (
	id          INTEGER PRIMARY KEY AUTOINCREMENT,
	at          INTEGER NOT NULL,
	mirror      INTEGER NOT NULL, -- 0: not about a mirror
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
	token  INTEGER NOT NULL,
	until  INTEGER NOT NULL
) WITHOUT ROWID;

-- Announced prefixes. Only rows of head.prefix_generation count; an import
-- fills a generation of its own and then switches.
CREATE TABLE asn_prefix (
	generation INTEGER NOT NULL,
	prefix     text NOT NULL,
	asn        INTEGER NOT NULL
);
CREATE INDEX asn_prefix_generation ON asn_prefix (generation);

CREATE TABLE asn_import (
	generation INTEGER PRIMARY KEY,
	source     text NOT NULL,
	at         INTEGER NOT NULL,
	prefixes   INTEGER NOT NULL
);

-- Redirector nodes, as they last reported themselves.
CREATE TABLE node (
	name     text PRIMARY KEY,
	seen     INTEGER NOT NULL,
	revision INTEGER NOT NULL,
	stamp    INTEGER NOT NULL,
	settings text NOT NULL, -- JSON
	version  text NOT NULL
) WITHOUT ROWID;

CREATE TABLE setting (
	name  text PRIMARY KEY,
	value text NOT NULL
) WITHOUT ROWID;
