-- What `mbctl hash` knows of a version besides the SHA-256 in digest.

CREATE TABLE file_hash (
	file           bigint PRIMARY KEY REFERENCES file (id) ON DELETE CASCADE,
	revision       bigint NOT NULL,
	piece_length   bigint NOT NULL,
	zsync_block    bigint NOT NULL, -- 0: no sums in zsync_part
	zsync_seq      bigint NOT NULL,
	zsync_rsum     bigint NOT NULL,
	zsync_checksum bigint NOT NULL,
	asc_file       bigint NOT NULL, -- version of the .asc beside it that was looked at, 0 none
	sig_file       bigint NOT NULL, -- and of the .sig
	md5            bytea NOT NULL,
	sha1           bytea NOT NULL,
	sha512         bytea NOT NULL,
	info_v1        bytea NOT NULL, -- empty: none
	info_v2        bytea NOT NULL, -- empty: none
	merkle_root    bytea NOT NULL,
	suffix         text NOT NULL, -- of the signature's file, '' none
	signature      bytea NOT NULL,
	sha1_pieces    bytea NOT NULL,
	sha256_pieces  bytea NOT NULL,
	piece_layer    bytea NOT NULL
);

-- Block sums for zsync, cut into parts of 1 MiB. They count only when
-- file_hash says so.
CREATE TABLE zsync_part (
	file bigint NOT NULL REFERENCES file (id) ON DELETE CASCADE,
	part bigint NOT NULL, -- from 0
	sums bytea NOT NULL,
	PRIMARY KEY (file, part)
);

-- Versions being hashed, by the token of the run's lease; without a lease that
-- has not ended a row means nothing.
CREATE TABLE hash_claim (
	file  bigint PRIMARY KEY REFERENCES file (id) ON DELETE CASCADE,
	token bigint NOT NULL
);
CREATE INDEX hash_claim_token ON hash_claim (token);
