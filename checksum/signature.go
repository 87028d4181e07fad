package checksum

import "github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"

// maxSignature is the size in bytes from which on nothing is a detached
// signature: those have some hundred bytes, a few thousand with many signers.
const maxSignature = 64 << 10

// Detached gives the detached OpenPGP signature that a file with the given
// suffix (".asc" or ".sig") holds; nil: it holds something else, for example a
// signed message or a signature of another kind.
func Detached(suffix string, data []byte) *mirror.Signature {
	if len(data) == 0 || len(data) > maxSignature {
		return nil
	}
	s := &mirror.Signature{Suffix: suffix, Data: data}
	if s.Armored() || suffix == ".sig" && signaturePacket(data[0]) {
		return s
	}
	return nil
}

// signaturePacket reports whether an OpenPGP packet that begins with this byte
// is a signature (RFC 9580 section 4.2: type 2, in the present format or in the
// legacy one with any length). Signed messages begin with another packet.
func signaturePacket(first byte) bool {
	return first == 0xc2 || first&0xfc == 0x88
}
