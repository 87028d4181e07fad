package note

import (
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

func FuzzSignature(f *testing.F) {
	f.Add("t=1700000000,v1=" + strings.Repeat("ab", 32))
	f.Add("t=,v1=")
	f.Add("v1=00,t=0,,=")
	f.Fuzz(func(t *testing.T, s string) {
		sig, err := parseSignature(s)
		if err == nil && (len(sig.sum) != sha256.Size || sig.at.Unix() < 0) {
			t.Errorf("%q: %+v", s, sig)
		}
	})
}

func FuzzNote(f *testing.F) {
	f.Add([]byte(`{"mirror":"a","paths":["b/","/"],"nonce":"x"}`))
	f.Add([]byte(`{"paths":[".."]}`))
	f.Add([]byte("{\"paths\":[\"\xff\"]}"))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, read := range []func([]byte) (Note, error){parse, parseForeign} {
			n, err := read(body)
			if err != nil {
				continue
			}
			for _, p := range n.Paths {
				if _, err := mirror.CleanSubtree(p); err != nil {
					t.Errorf("%q: %v", p, err)
				}
			}
		}
		if n, err := parse(body); err == nil && n.Mirror != mirrorIn(body) {
			t.Errorf("mirror %q, claimed %q", n.Mirror, mirrorIn(body))
		}
	})
}

func FuzzID(f *testing.F) {
	f.Add("alpha:1.2")
	f.Add("9.")
	f.Fuzz(func(t *testing.T, id string) {
		name, ids, ok := cutID(id)
		if ok && (len(ids) == 0 || name != "" && mirror.ValidName(name) != nil) {
			t.Errorf("%q: %q %v", id, name, ids)
		}
	})
}
