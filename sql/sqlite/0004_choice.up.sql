-- How mirrors are chosen: limits of their traffic, the state of each way to
-- them, and names of autonomous systems.

ALTER TABLE mirror ADD COLUMN last_resort INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mirror ADD COLUMN no_traffic TEXT NOT NULL DEFAULT '[]'; -- JSON list
ALTER TABLE mirror ADD COLUMN probe_ways TEXT NOT NULL DEFAULT '{}'; -- JSON object

-- What the nodes sent to each mirror, added up by day, for quotas.
CREATE TABLE mirror_traffic (
	mirror   INTEGER NOT NULL REFERENCES mirror (id) ON DELETE CASCADE,
	day      INTEGER NOT NULL, -- days since 1970-01-01 UTC
	requests INTEGER NOT NULL,
	bytes    INTEGER NOT NULL,
	PRIMARY KEY (mirror, day)
);

-- The names of autonomous systems, as far as the imported data has them.
CREATE TABLE asn_name (
	generation INTEGER NOT NULL, -- as of asn_prefix
	asn        INTEGER NOT NULL,
	name       TEXT NOT NULL,
	country    TEXT NOT NULL, -- two lower-case letters; '' unknown
	PRIMARY KEY (generation, asn)
);
