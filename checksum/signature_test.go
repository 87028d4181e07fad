package checksum

import (
	"strings"
	"testing"
)

func TestDetached(t *testing.T) {
	t.Parallel()
	const armor = "-----BEGIN PGP SIGNATURE-----\n\niQ==\n-----END PGP SIGNATURE-----\n"
	for _, test := range []struct {
		name, suffix, data string
		want               bool
	}{
		{"armoured", ".asc", armor, true},
		{"armoured in .sig", ".sig", armor, true},
		{"binary, legacy format", ".sig", "\x89\x02\x33\x04", true},
		{"binary, present format", ".sig", "\xc2\xc0\x73\x04", true},
		{"binary in .asc", ".asc", "\x89\x02\x33\x04", false},
		{"clear-signed", ".asc", "-----BEGIN PGP SIGNED MESSAGE-----\n" + armor, false},
		{"armoured message", ".asc", "-----BEGIN PGP MESSAGE-----\n", false},
		{"a key", ".asc", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n", false},
		{"binary signed message", ".sig", "\x90\x0d\x03\x00", false},
		{"compressed message", ".sig", "\xa3\x01", false},
		{"another kind", ".sig", "untrusted comment: signature\n", false},
		{"empty", ".sig", "", false},
		{"large", ".asc", armor + strings.Repeat("x", maxSignature), false},
	} {
		got := Detached(test.suffix, []byte(test.data))
		if (got != nil) != test.want || got != nil && (got.Suffix != test.suffix || string(got.Data) != test.data) {
			t.Errorf("%s: %+v", test.name, got)
		}
	}
}
