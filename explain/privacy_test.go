package explain

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

// secrets are what makes a mirror one that others must not learn of.
var secrets = []func(*mirror.Mirror){
	func(m *mirror.Mirror) { m.Enabled = false },
	func(m *mirror.Mirror) { m.DisabledUntil = now.Add(time.Hour) },
	func(m *mirror.Mirror) { m.Score = 0 },
	func(m *mirror.Mirror) { m.Scan = mirror.ScanState{} },
	func(m *mirror.Mirror) { m.ASOnly, m.ASNs = true, []uint32{64501} },
	func(m *mirror.Mirror) {
		m.PrefixOnly, m.Prefixes = true, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	},
}

// others speak against a mirror that everybody may know of.
var others = []func(*mirror.Mirror){
	func(m *mirror.Mirror) { m.Probe.Down, m.Probe.Error = true, "secret error" },
	func(m *mirror.Mirror) { m.Quota = mirror.Quota{Bytes: 1, Period: time.Hour, Spent: true} },
	func(m *mirror.Mirror) { m.MaxSize = 4711 },
	func(m *mirror.Mirror) { m.Subtree = "secret" },
	func(m *mirror.Mirror) { m.ExcludeCountries = []string{"de"} },
	func(m *mirror.Mirror) { m.CountryOnly, m.Country = true, "fr" },
	func(m *mirror.Mirror) { m.HTTP = m.HTTP[:1] },
	func(*mirror.Mirror) {},
}

// Of mirrors that are not for everybody nothing at all is in public reports,
// whatever else is true of them, and reports do not tell how many they are.
func TestPublicReportsKeepSecrets(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(3, 4))
	for round := range 300 {
		var open, all []*mirror.Mirror
		for i := range 12 {
			m := up(fmt.Sprintf("open%d", i), []string{"de", "fr", "us"}[rnd.IntN(3)], "eu", 50, float64(i))
			m.Comment, m.Admin, m.AdminEmail = "secret", "secret", "secret@secret.example"
			m.Rsync, m.FTP = "rsync://secret:secret@secret.example/", "ftp://secret@secret.example/"
			others[rnd.IntN(len(others))](m)
			if rnd.IntN(2) == 0 {
				all, open = append(all, m), append(open, m)
				continue
			}
			m.Name = fmt.Sprintf("secret%d", i)
			m.HTTP = []string{"https://" + m.Name + ".example/"}
			secrets[rnd.IntN(len(secrets))](m)
			others[rnd.IntN(len(others))](m)
			all = append(all, m)
		}
		shown, alone := publicText(t, all), publicText(t, open)
		for _, bad := range []string{"secret", "rsync", "ftp:", "quota", "4711"} {
			if strings.Contains(shown, bad) {
				t.Fatalf("round %d: %q is told:\n%s", round, bad, shown)
			}
		}
		if shown != alone {
			t.Fatalf("round %d: it shows that there are other mirrors:\n%s\nwithout them:\n%s", round, shown, alone)
		}
	}
}

// publicText is the public report as JSON and as text.
func publicText(t *testing.T, list []*mirror.Mirror) string {
	t.Helper()
	in := input(list)
	in.Private, in.Query.NoReserved = false, true
	in.Former = func(int) (mirror.Version, bool) { return mirror.Version{}, false }
	r := New(in)
	text, err := r.AppendJSON(nil)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := r.WriteText(&b, 0); err != nil {
		t.Fatal(err)
	}
	return string(text) + b.String()
}

// Reasons that are nobody's business have one name.
func TestPublicReason(t *testing.T) {
	t.Parallel()
	for r, want := range map[redirector.Reason]string{
		redirector.ReasonDown: "down", redirector.ReasonQuotaSpent: NotAvailable, redirector.ReasonFull: NotAvailable,
		redirector.ReasonNotHeld: "does not have this version of the file",
	} {
		if got := PublicReason(r); got != want {
			t.Errorf("%v: %q, want %q", r, got, want)
		}
	}
}

// Bytes that others chose can neither steer a terminal nor be markup.
func TestForeignText(t *testing.T) {
	t.Parallel()
	in := input(europe())
	in.Path, in.Query.Path = "a\x1b[31m<script>\xff", "a\x1b[31m<script>\xff"
	in.Query.Avoid = []string{"\x1b]0;x\x07<b>"}
	in.Notes = []string{"\u202eevil"}
	r := New(in)
	for _, width := range []int{0, 40} {
		var b strings.Builder
		if err := r.WriteText(&b, width); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(b.String(), "\x1b\x07\u202e") {
			t.Errorf("%q", b.String())
		}
	}
	text, err := r.AppendJSON(nil)
	if err != nil || strings.ContainsAny(string(text), "<>\x1b") {
		t.Errorf("%v %s", err, text)
	}
	if want := "https://berlin.example/pub/a%1B%5B31m%3Cscript%3E%FF"; r.Mirrors[0].URL != want && !strings.HasSuffix(r.Mirrors[0].URL, "/pub/a%1B%5B31m%3Cscript%3E%FF") {
		t.Errorf("%q, want %q", r.Mirrors[0].URL, want)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		edit func(*Input)
		want map[string]string // how effects begin, by setting
	}{
		"defaults": {func(*Input) {}, map[string]string{
			"policy": "The client's network, country and continent come first", "distance_factor": "The nearest mirror is 3 km away, so those at up to 253 km",
			"spill": "The country or continent serves", "affinity": "Files do not stay", "sticky": "Clients do not stay", "share_by": "Mirrors that share requests get numbers",
			"retry": "A client that asks for the same file again within 15s",
		}},
		"others": {func(in *Input) {
			in.Settings.Spill, in.Settings.Affinity = 9, &redirector.AffinitySettings{Copies: 2, MinSize: 1 << 30}
			in.Settings.Sticky, in.Settings.ShareBy, in.Settings.Retry = 3600e9, redirector.ShareByBytes, -1
		}, map[string]string{
			"spill": "Fewer than 9 mirrors are joined", "affinity": "The file is smaller than 1073741824 bytes", "sticky": "A client stays with the same mirror for 1h0m0s",
			"share_by": "Mirrors that share requests get bytes", "retry": "A client that asks again gets what",
		}},
		"folders": {func(in *Input) {
			in.Settings.Spill, in.Settings.Affinity = 2, &redirector.AffinitySettings{Copies: 3, FolderBelow: 1 << 30}
		}, map[string]string{"spill": "3 mirrors are enough", "affinity": "The small files of a folder stay together, with 3 of"}},
		"distance": {func(in *Input) { in.Settings.Policy = redirector.PolicyDistance }, map[string]string{
			"policy": "Mirrors in the client's network come first, then the nearest", "spill": "Counts with policy tiers alone",
		}},
		"nobody": {func(in *Input) { only("none")(in); in.Settings.Spill = 1 }, map[string]string{
			"policy": "The client's network, country and continent come first, in this order; no mirror", "distance_factor": "No distance is known", "spill": "There is nothing",
		}},
	} {
		in := input(europe())
		test.edit(in)
		got := map[string]string{}
		for _, s := range New(in).Settings {
			got[s.Name] = s.Effect
		}
		for setting, want := range test.want {
			if !strings.HasPrefix(got[setting], want) {
				t.Errorf("%s: %s: %q, want %q", name, setting, got[setting], want)
			}
		}
	}
}

// A client that stays with one of several mirrors is told of no draw.
func TestStays(t *testing.T) {
	t.Parallel()
	in := input(europe())
	in.Settings.Affinity = &redirector.AffinitySettings{Copies: 1}
	e := &explainer{Input: in}
	e.decide()
	for i := range e.decision.Candidates {
		e.decision.Candidates[i].Share = 0
	}
	e.decision.Candidates[1].Share = 1
	o := e.redirect()
	name := in.Set.Mirror(e.decision.Candidates[1].Mirror).Name
	if got, want := e.chosen(&o), "Sent to "+name+", every time: one of 2 mirrors in the client's country, de, with which the file stays (affinity)."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
