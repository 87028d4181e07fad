-- What the pages about mirrors show of their past.

-- The full scans of each mirror, those that failed too.
CREATE TABLE scan_run (
	mirror   bigint NOT NULL REFERENCES mirror (id) ON DELETE CASCADE,
	at       bigint NOT NULL, -- when it ended
	took     bigint NOT NULL, -- ns
	ok       boolean NOT NULL,
	protocol text NOT NULL, -- '' no listing came to its end
	held     bigint NOT NULL, -- of these files of the mirror's part of the tree
	files    bigint NOT NULL,
	response bigint NOT NULL, -- ns, the median; 0 not measured
	error    text NOT NULL,
	PRIMARY KEY (mirror, at)
);

-- The states that each mirror came to have, and reasons fit for everybody.
CREATE TABLE mirror_state (
	mirror bigint NOT NULL REFERENCES mirror (id) ON DELETE CASCADE,
	at     bigint NOT NULL,
	since  bigint NOT NULL, -- when the state became this one; before at when only the reason changed
	state  text NOT NULL,
	reason text NOT NULL,
	PRIMARY KEY (mirror, at)
);

-- What was sent lately is asked for again and again.
CREATE INDEX mirror_traffic_day ON mirror_traffic (day);
