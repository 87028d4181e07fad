package movein

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

func TestText(t *testing.T) {
	t.Parallel()
	if got := Text(" a\x1b[1m\tb\xff\n"); got != "a [1m b\uFFFD" {
		t.Errorf("%q", got)
	}
	if got := Lines("\n\na \r\n  b\x07\n\nc\n"); got != "a\n  b\n\nc" {
		t.Errorf("%q", got)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	var n Names
	long := strings.Repeat("x", 80)
	for _, test := range [][2]string{
		{"ftp.example.org", "ftp.example.org"},
		{"a b", "a-b"},
		{"a/b", "a-b-2"},
		{"a-b", "a-b-3"},
		{"", "mirror"},
		{"...", "mirror-2"},
		{"-köln\x00", "k-ln-"},
		{long, long[:60]},
		{long, long[:60] + "-2"},
	} {
		got := n.Name(test[0])
		if got != test[1] {
			t.Errorf("%q is called %q, want %q", test[0], got, test[1])
		}
		if err := mirror.ValidName(got); err != nil {
			t.Error(err)
		}
	}
}

func TestCountries(t *testing.T) {
	t.Parallel()
	list, odd := Countries("DE, fr;at  de x1 mexico")
	if d := cmp.Diff([]string{"de", "fr", "at"}, list); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"x1", "mexico"}, odd); d != "" {
		t.Error(d)
	}
}

func TestRedactURL(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"postgres://u:p@h/d":             "postgres://u:xxxxx@h/d",
		"postgres://h/d?password=p&x=1":  "postgres://h/d?password=xxxxx&x=1",
		"postgres://h/d?ssl%70assword=p": "postgres://h/d?sslpassword=xxxxx",
		"postgres://u:p@h1:1,h2:2/d":     "postgres://u:xxxxx@h1:1,h2:2/d",
		"unix://:p@/run/redis.sock?db=1": "unix://:xxxxx@/run/redis.sock?db=1",
	} {
		if got := RedactURL(raw); got != want {
			t.Errorf("%s became %s, want %s", raw, got, want)
		}
	}
}
