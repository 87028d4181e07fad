-- MirrorBrain 2.17's tables, as far as they matter here, with rows as they are
-- found in the wild. The score was made nullable by hand.

CREATE TABLE version (id serial PRIMARY KEY, component text NOT NULL, major integer NOT NULL, minor integer NOT NULL, patchlevel integer NOT NULL);
INSERT INTO version (component, major, minor, patchlevel) VALUES ('mod_asn', 1, 5, 0), ('mirrorbrain', 2, 17, 0);

CREATE TABLE filearr (id serial PRIMARY KEY, path varchar(512) UNIQUE NOT NULL, mirrors smallint[]);
CREATE TABLE hash (
	file_id integer PRIMARY KEY REFERENCES filearr, mtime integer NOT NULL, size bigint NOT NULL,
	md5 bytea NOT NULL, sha1 bytea NOT NULL, sha256 bytea NOT NULL, sha1piecesize integer NOT NULL, sha1pieces bytea,
	btih bytea, pgp text NOT NULL, zblocksize smallint NOT NULL, zhashlens varchar(8), zsums bytea NOT NULL
);
CREATE TABLE server (
	id serial PRIMARY KEY, identifier varchar(64) NOT NULL UNIQUE,
	baseurl varchar(128) NOT NULL, baseurl_ftp varchar(128) NOT NULL, baseurl_rsync varchar(128) NOT NULL,
	enabled boolean NOT NULL, status_baseurl boolean NOT NULL,
	region varchar(2) NOT NULL, country varchar(2) NOT NULL, asn integer NOT NULL, prefix varchar(18) NOT NULL,
	score smallint, scan_fpm integer NOT NULL, last_scan timestamp with time zone,
	comment text NOT NULL, operator_name varchar(128) NOT NULL, operator_url varchar(128) NOT NULL,
	public_notes varchar(512) NOT NULL, admin varchar(128) NOT NULL, admin_email varchar(128) NOT NULL,
	lat numeric(6, 3), lng numeric(6, 3),
	country_only boolean NOT NULL, region_only boolean NOT NULL, as_only boolean NOT NULL, prefix_only boolean NOT NULL,
	other_countries varchar(512) NOT NULL, file_maxsize integer NOT NULL DEFAULT 0
);
CREATE TABLE marker (id serial PRIMARY KEY, subtree_name varchar(128) NOT NULL, markers varchar(512) NOT NULL);
CREATE TABLE pfx2asn (pfx text PRIMARY KEY, asn integer NOT NULL);

INSERT INTO server (identifier, baseurl, baseurl_ftp, baseurl_rsync, enabled, status_baseurl, region, country, asn, prefix, score, scan_fpm,
	comment, operator_name, operator_url, public_notes, admin, admin_email, lat, lng, country_only, region_only, as_only, prefix_only, other_countries, file_maxsize) VALUES
('mirror.example.org', 'http://mirror.example.org/pub', 'ftp://ftp.example.org/pub/', 'rsync://mirror.example.org/pub',
	true, true, 'eu', 'de', 64500, '192.0.2.0/24', 100, 5000,
	E'*** Mon Mar 2 2009: added\r\n*** Tue: it''s "fast"\t(10G)', 'Example e.V.', 'http://www.example.org', 'Run by volunteers', 'Ann "A" O''Hara', 'ann@example.org',
	52.520, 13.410, false, false, false, false, 'at,ch  LI', 0),
('half.example.net', 'http://half.example.net/', '', 'rsync://mb:s3cret@half.example.net/all#^/debug/', true, false, 'EU', 'DE', 0, '', 50, 0,
	'', '', 'www.example.net/about?x=1', '', '', '', NULL, NULL, false, false, false, false, '', 2147483647),
('cdn', 'http://cdn.example.com/', '', '', true, true, '**', '**', 0, '', 10, 0, '', '', '', '', '', '', NULL, NULL, false, false, false, false, '', 0),
('campus uni', 'http://ftp.example.edu/dist/', '', 'ftp.example.edu::dist', true, true, 'na', 'us', 64501, '198.51.100.7', 100, 0,
	'', '', '', '', '', '', 0, 0, false, false, false, true, 'mexico', 0),
('noscore', 'http://noscore.example.org/', '', '', false, false, 'as', 'jp', 0, '', NULL, 0, '', '', '', '', '', '', 35.680, 139.690, false, true, false, false, '', 0),
('old.ftp', 'ftp://old.example.org/pub/', '', '', true, true, 'eu', 'fr', 0, '', 100, 0, '', '', '', '', '', '', 48.860, 2.350, true, false, false, false, '', 0);

INSERT INTO marker (subtree_name, markers) VALUES ('Source', 'repo/src/ !repo/src/EMPTY'), ('ISOs', 'iso/*.iso'), ('', 'x'), ('nothing', ' ');

-- iso/one.iso is "one iso" and a line feed, iso/two.iso is "two iso!" and one.
INSERT INTO filearr (path, mirrors) VALUES ('iso/one.iso', '{1,2}'), ('iso/two.iso', '{1}'), ('iso/gone.iso', '{}'), ('iso/unhashed.iso', '{1}');
INSERT INTO hash (file_id, mtime, size, md5, sha1, sha256, sha1piecesize, pgp, zblocksize, zsums) VALUES
(1, 1300000000, 8, '\x4390915bd363e57d024bf44343ba4b99', '\xd3ead2bda9be9716eababdf6ed57f49a585750cc', '\x3d0756e9d2bb524259d4867a97f2c630956cbb22c33415a19e37a97304d4ef86', 262144, '', 0, ''),
(2, 1300000001, 9, '\x42b63e20640efa1a242f2d4f9541f07e', '\x43232e072896ce0c7187e61ea9256db30ff99512', '\x048241f8baed8cc96327df3ff93f25abb26b9ec5aa4ba61f2542cfe372326c60', 262144, '', 0, ''),
(3, 1300000000, 8, '\x4390915bd363e57d024bf44343ba4b99', '\xd3ead2bda9be9716eababdf6ed57f49a585750cc', '\x3d0756e9d2bb524259d4867a97f2c630956cbb22c33415a19e37a97304d4ef86', 262144, '', 0, '');
