-- What `mbctl hash` knows of a version besides the SHA-256 in digest.

CREATE TABLE file_hash (
	file           INTEGER PRIMARY KEY REFERENCES file (id) ON DELETE CASCADE,
	revision       INTEGER NOT NULL,
	piece_length   INTEGER NOT NULL,
	zsync_block    INTEGER NOT NULL, -- 0: no sums in zsync_part
	zsync_seq      INTEGER NOT NULL,
	zsync_rsum     INTEGER NOT NULL,
	zsync_checksum INTEGER NOT NULL,
	asc_file       INTEGER NOT NULL, -- version of the .asc beside it that was looked at, 0 none
	sig_file       INTEGER NOT NULL, -- and of the .sig
	md5            BLOB NOT NULL,
	sha1           BLOB NOT NULL,
	sha512         BLOB NOT NULL,
	info_v1        BLOB NOT NULL, -- empty: none
	info_v2        BLOB NOT NULL, -- empty: none
	merkle_root    BLOB NOT NULL,
	suffix         text NOT NULL, -- of the signature's file, '' none
	signature      BLOB NOT NULL,
	sha1_pieces    BLOB NOT NULL,
	sha256_pieces  BLOB NOT NULL,
	piece_layer    BLOB NOT NULL
);

-- Block sums for zsync, cut into parts of 1 MiB. They count only when
-- file_hash says so.
CREATE TABLE zsync_part (
	file INTEGER NOT NULL REFERENCES file (id) ON DELETE CASCADE,
	part INTEGER NOT NULL, -- from 0
	sums BLOB NOT NULL,
	PRIMARY KEY (file, part)
);

-- Versions being hashed, by the token of the run's lease; without a lease that
-- has not ended a row means nothing.
CREATE TABLE hash_claim (
	file  INTEGER PRIMARY KEY REFERENCES file (id) ON DELETE CASCADE,
	token INTEGER NOT NULL
);
CREATE INDEX hash_claim_token ON hash_claim (token);
