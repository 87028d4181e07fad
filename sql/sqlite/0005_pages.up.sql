-- What the pages about mirrors show of their past.

-- The full scans of each mirror, those that failed too.
CREATE TABLE scan_run (
	mirror   INTEGER NOT NULL REFERENCES mirror (id) ON DELETE CASCADE,
	at       INTEGER NOT NULL, -- when it ended
	took     INTEGER NOT NULL, -- ns
	ok       INTEGER NOT NULL,
	protocol TEXT NOT NULL, -- '' no listing came to its end
	held     INTEGER NOT NULL, -- of these files of the mirror's part of the tree
	files    INTEGER NOT NULL,
	response INTEGER NOT NULL, -- ns, the median; 0 not measured
	error    TEXT NOT NULL,
	PRIMARY KEY (mirror, at)
) WITHOUT ROWID;

-- The states that each mirror came to have, and reasons fit for everybody.
CREATE TABLE mirror_state (
	mirror INTEGER NOT NULL REFERENCES mirror (id) ON DELETE CASCADE,
	at     INTEGER NOT NULL,
	since  INTEGER NOT NULL, -- when the state became this one; before at when only the reason changed
	state  TEXT NOT NULL,
	reason TEXT NOT NULL,
	PRIMARY KEY (mirror, at)
) WITHOUT ROWID;

-- What was sent lately is asked for again and again.
CREATE INDEX mirror_traffic_day ON mirror_traffic (day);
