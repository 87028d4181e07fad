package catalog

import (
	"encoding/binary"
	"unsafe"

	"github.com/dchest/siphash"
)

// Hash gives the 64-bit hash of a path under the database's key.
type Hash func(key [16]byte, path string) uint64

// hasher hashes paths for the tables. The key is secret and drawn by each
// database, so nobody can craft names that collide.
type hasher struct {
	key    [16]byte
	k0, k1 uint64
	fn     Hash // nil: SipHash-2-4
}

func newHasher(key [16]byte, fn Hash) hasher {
	return hasher{
		key: key, fn: fn,
		k0: binary.LittleEndian.Uint64(key[:8]),
		k1: binary.LittleEndian.Uint64(key[8:]),
	}
}

func (h *hasher) path(p string) uint64 {
	if h.fn != nil {
		return normKey(h.fn(h.key, p))
	}
	// The bytes are only read, and only during the call.
	return normKey(siphash.Hash(h.k0, h.k1, unsafe.Slice(unsafe.StringData(p), len(p)))) //nolint:gosec // saves a copy of every requested path
}

// bytes hashes a path that is valid only during the call.
func (h *hasher) bytes(p []byte) uint64 {
	if h.fn != nil {
		return normKey(h.fn(h.key, string(p)))
	}
	return normKey(siphash.Hash(h.k0, h.k1, p))
}
