package mirrorlist

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// jsonFile is the documented form of the JSON list of a file.
type jsonFile struct {
	URL       string            `json:"url"`
	Path      string            `json:"path"`
	Name      string            `json:"name"`
	Size      int64             `json:"size"`
	MTime     *time.Time        `json:"mtime"`
	Published *time.Time        `json:"published"`
	Digests   map[string]string `json:"digests"`
	Client    *jsonClient       `json:"client"`
	Mirrors   []jsonSource      `json:"mirrors"`
	Excluded  []jsonExcluded    `json:"excluded"`
	Documents map[string]string `json:"documents"`
}

type jsonClient struct {
	IP        string `json:"ip"`
	Country   string `json:"country"`
	Continent string `json:"continent"`
	ASN       uint32 `json:"asn"`
	Prefix    string `json:"prefix"`
}

type jsonSource struct {
	URL        string   `json:"url"`
	Name       string   `json:"name"`
	Country    string   `json:"country"`
	Continent  string   `json:"continent"`
	DistanceKm *float64 `json:"distance_km"`
	Realm      string   `json:"realm"`
	Weight     int      `json:"weight"`
	Share      *float64 `json:"share"`
	Coverage   *float64 `json:"coverage"`
}

type jsonExcluded struct {
	Name    string `json:"name"`
	Country string `json:"country"`
	Reason  string `json:"reason"`
}

// decode reads JSON strictly: no member that is not documented.
func decode(t *testing.T, b []byte, into any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	if d.More() || b[len(b)-1] != '\n' || strings.ContainsAny(string(b), "<>&\x7f") {
		t.Fatalf("not one line of safe JSON: %s", b)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	var got, pretty jsonFile
	f := sample()
	decode(t, f.AppendJSON(nil, false), &got)
	decode(t, f.AppendJSON(nil, true), &pretty)
	if diff := cmp.Diff(got, pretty); diff != "" {
		t.Errorf("indented it says something else: %s", diff)
	}
	wantClient := &jsonClient{"192.0.2.77", "de", "eu", 64500, "192.0.2.0/24"}
	if diff := cmp.Diff(wantClient, got.Client); diff != "" {
		t.Error(diff)
	}
	if got.URL != f.Subject.URL || got.Path != samplePath || got.Size != f.Subject.Size || got.MTime.UnixNano() != f.Subject.MTime {
		t.Errorf("facts: %+v", got)
	}
	if len(got.Mirrors) != 12 || len(got.Documents) != 12 || len(got.Digests) != 5 || len(got.Digests["sha512"]) != 128 {
		t.Errorf("got %d mirrors, %d documents, digests %v", len(got.Mirrors), len(got.Documents), got.Digests)
	}
	km, share := 12.0, 0.5
	want := jsonSource{f.Sources[0].URL, "ftp.halifax.example.de", "de", "eu", &km, "country", 100, &share, nil}
	if diff := cmp.Diff(want, got.Mirrors[0]); diff != "" {
		t.Error(diff)
	}
	if got.Mirrors[10].Realm != "fallback" || got.Mirrors[11].Realm != "origin" || got.Mirrors[11].DistanceKm != nil {
		t.Errorf("last resorts: %+v", got.Mirrors[10:])
	}
	if diff := cmp.Diff(jsonExcluded{"campus", "de", "only for clients in its prefixes"}, got.Excluded[1]); diff != "" {
		t.Error(diff)
	}
}

func TestJSONOfLittle(t *testing.T) {
	t.Parallel()
	f := &File{Subject: &mirror.Subject{}}
	const empty = `{"url":"","path":"","name":"","size":0,"digests":{},"mirrors":[],"excluded":[],"documents":{}}` + "\n"
	if got := string(f.AppendJSON([]byte("before"), false)); got != "before"+empty {
		t.Errorf("got %s", got)
	}
	f.Client = &mirror.Client{}
	f.Sources = []mirror.Source{{Share: math.NaN(), DistanceKm: math.Inf(1)}, {Share: 7, DistanceKm: math.NaN()}}
	var got jsonFile
	decode(t, f.AppendJSON(nil, true), &got)
	if got.Client == nil || *got.Client != (jsonClient{}) || *got.Mirrors[0].Share != 0 || *got.Mirrors[1].Share != 1 || got.Mirrors[0].DistanceKm != nil {
		t.Errorf("got %+v", got)
	}
	f.Client = nil
	got = jsonFile{}
	decode(t, f.AppendJSON(nil, false), &got)
	if m := got.Mirrors[0]; m.Share != nil || m.DistanceKm != nil || m.Realm != "" || got.Client != nil {
		t.Errorf("for everybody it says how near a mirror is: %+v", m)
	}
}

// FuzzQuoted compares the strings with those of encoding/json.
func FuzzQuoted(f *testing.F) {
	f.Add("plain")
	f.Add("a\"b\\<>&\x00\n\t\x7f\xff\u2028é\U0001f4e6")
	f.Fuzz(func(t *testing.T, s string) {
		var got, want string
		q := appendQuoted(nil, s)
		if err := json.Unmarshal(q, &got); err != nil {
			t.Fatalf("%q gives %s: %v", s, q, err)
		}
		if strings.ContainsAny(string(q), "<>&\u2028\u2029\n\x7f") {
			t.Fatalf("%q gives %s", s, q)
		}
		b, err := json.Marshal(s)
		if err != nil || json.Unmarshal(b, &want) != nil || got != want {
			t.Fatalf("%q gives %q, encoding/json %q", s, got, want)
		}
	})
}

func TestPart(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{0: "0", 1: "1", 0.5: "0.5", 1. / 3: "0.3333", 0.00004: "0", 0.00005: "0.0001", 0.1001: "0.1001", 0.99996: "1", 0.05: "0.05", -1: "0"} {
		w := jsonWriter{}
		if w.part("", v); string(w.b) != `"":`+want {
			t.Errorf("%v: got %s, want %s", v, w.b, want)
		}
	}
}
