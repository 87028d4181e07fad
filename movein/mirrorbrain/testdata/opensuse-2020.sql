-- openSUSE's tables of 2020, as far as they matter here: a mirror's networks are
-- a table of their own, with several to a mirror, and digests lie with the paths.
-- The type iprange belongs to the extension ip4r; all that matters is its text.

CREATE DOMAIN iprange AS text;

CREATE TABLE version (id serial PRIMARY KEY, component text NOT NULL, major integer NOT NULL, minor integer NOT NULL, patchlevel integer NOT NULL);

CREATE TABLE files (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, path varchar NOT NULL UNIQUE, path_hash bytea,
	mtime timestamp with time zone, size bigint, md5 bytea, sha1 bytea, sha256 bytea, sha1piecesize integer, sha1pieces bytea,
	btih bytea, pgp text, zblocksize smallint, zhashlens varchar(8), zsums bytea,
	created_at timestamp with time zone NOT NULL DEFAULT now(), updated_at timestamp with time zone NOT NULL DEFAULT now()
);
CREATE TABLE server (
	id serial PRIMARY KEY, identifier varchar(64) NOT NULL UNIQUE,
	baseurl varchar(128) NOT NULL, baseurl_ftp varchar(128) NOT NULL, baseurl_rsync varchar(128) NOT NULL,
	enabled boolean NOT NULL, status_baseurl boolean NOT NULL,
	region varchar(2) NOT NULL, country varchar(2) NOT NULL, ipv6_only boolean NOT NULL DEFAULT false,
	score smallint NOT NULL, scan_fpm integer NOT NULL, last_scan timestamp with time zone,
	comment text NOT NULL, operator_name varchar(128) NOT NULL, operator_url varchar(128) NOT NULL,
	public_notes varchar(512) NOT NULL, admin varchar(128) NOT NULL, admin_email varchar(128) NOT NULL,
	lat numeric(6, 3), lng numeric(6, 3),
	country_only boolean NOT NULL, region_only boolean NOT NULL, as_only boolean NOT NULL, prefix_only boolean NOT NULL,
	other_countries varchar(512) NOT NULL, file_maxsize integer NOT NULL DEFAULT 0
);
CREATE TABLE serverpfx (pfxid serial PRIMARY KEY, serverid integer NOT NULL, prefix iprange NOT NULL, asn integer NOT NULL);
CREATE TABLE server_files (server_id smallint NOT NULL REFERENCES server, file_id integer NOT NULL REFERENCES files ON DELETE CASCADE);
CREATE TABLE marker (id serial PRIMARY KEY, subtree_name varchar(128) NOT NULL, markers varchar(512) NOT NULL);

INSERT INTO server (identifier, baseurl, baseurl_ftp, baseurl_rsync, enabled, status_baseurl, region, country, score, scan_fpm,
	comment, operator_name, operator_url, public_notes, admin, admin_email, lat, lng, country_only, region_only, as_only, prefix_only, other_countries) VALUES
('many.example.org', 'https://many.example.org/opensuse/', '', 'rsync://many.example.org/opensuse/', true, true, 'eu', 'cz', 100, 0,
	'', '', '', '', '', '', 50.090, 14.420, false, false, false, false, '');
INSERT INTO serverpfx (serverid, prefix, asn) VALUES
(1, '192.0.2.0/24', 64520), (1, '198.51.100.0-198.51.100.191', 64521), (1, '2001:db8:1::/48', 64520), (1, 'junk', 0), (9, '203.0.113.0/24', 64522);

INSERT INTO files (path, mtime, size, md5, sha1, sha256) VALUES
('iso/one.iso', '2011-03-13 07:06:40.25+00', 8, '\x4390915bd363e57d024bf44343ba4b99', '\xd3ead2bda9be9716eababdf6ed57f49a585750cc', '\x3d0756e9d2bb524259d4867a97f2c630956cbb22c33415a19e37a97304d4ef86'),
('iso/unhashed.iso', '2011-03-13 07:06:40+00', 8, NULL, NULL, NULL),
('iso/unlearned.iso', NULL, NULL, NULL, NULL, NULL);
