-- How mirrors are chosen: limits of their traffic, the state of each way to
-- them, and names of autonomous systems.

ALTER TABLE mirror ADD COLUMN last_resort boolean NOT NULL DEFAULT false;
ALTER TABLE mirror ADD COLUMN no_traffic text NOT NULL DEFAULT '[]'; -- JSON list
ALTER TABLE mirror ADD COLUMN probe_ways text NOT NULL DEFAULT '{}'; -- JSON object

-- What the nodes sent to each mirror, added up by day, for quotas.
CREATE TABLE mirror_traffic (
	mirror   bigint NOT NULL REFERENCES mirror (id) ON DELETE CASCADE,
	day      bigint NOT NULL, -- days since 1970-01-01 UTC
	requests bigint NOT NULL,
	bytes    bigint NOT NULL,
	PRIMARY KEY (mirror, day)
);

-- The names of autonomous systems, as far as the imported data has them.
CREATE TABLE asn_name (
	generation bigint NOT NULL, -- as of asn_prefix
	asn        bigint NOT NULL,
	name       text NOT NULL,
	country    text NOT NULL, -- two lower-case letters; '' unknown
	PRIMARY KEY (generation, asn)
);
