package replay

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/accesslog"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/catalog"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

// proofWorld has twelve mirrors of three countries, each with most of the files.
func proofWorld() (World, files) {
	tree := files{}
	for i := 1; i <= 200; i++ {
		tree[fmt.Sprintf("f%d", i)] = catalog.Entry{ID: mirror.FileID(i), Size: int64(i) * 1000}
	}
	var ms []*mirror.Mirror
	var held Held
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range 12 {
		country, continent := []string{"de", "fr", "us"}[i%3], []string{"eu", "eu", "na"}[i%3]
		ms = append(ms, server(i+1, fmt.Sprintf("m%d", i), country, continent, 50*(1+i%4)))
		b := roaring.New()
		for _, f := range tree {
			if rnd.IntN(10) < 8 {
				b.Add(uint32(f.ID))
			}
		}
		held = append(held, b)
	}
	return World{Name: "now", Mirrors: Settled(ms, day, 0), Held: held, Policy: redirector.DefaultPolicy()}, tree
}

func proofClient(addr netip.Addr) mirror.Client {
	b := addr.As4()
	return mirror.Client{Addr: addr, Place: mirror.Place{
		Country: []string{"de", "fr", "us", "at"}[b[3]%4], Continent: []string{"eu", "eu", "na", "eu"}[b[3]%4],
	}}
}

// A log of what our own redirector drew, replayed, gives the same shares: what is
// drawn anew differs from it by no more than chance.
func TestProof(t *testing.T) {
	t.Parallel()
	const n = 100_000
	w, tree := proofWorld()
	set := redirector.Compile(w.Mirrors, w.Policy)
	rnd := rand.New(rand.NewPCG(3, 4))
	var log bytes.Buffer
	var d redirector.Decision
	for range n {
		client := proofClient(netip.AddrFrom4([4]byte{198, 51, 100, byte(rnd.Uint32())}))
		path := fmt.Sprintf("f%d", 1+rnd.IntN(200))
		q := redirector.Query{Client: client, File: tree[path].ID, Size: tree[path].Size, Path: path, TLS: true, Now: day.UnixNano()}
		set.Choose(&q, w.Held, rnd, &d)
		result := `"result":"local"`
		status := 200
		if d.Found() {
			status, result = 302, fmt.Sprintf(`"result":"redirect","mirror":%q,"realm":%q`, d.Picks[0].Name, d.Tier)
		}
		fmt.Fprintf(&log, `{"ts":%d,"logger":"http.log.access","request":{"client_ip":%q,"method":"GET","host":"dl","uri":"/%s","tls":{}},"size":0,"status":%d,"mirrorbrain":{%s}}`+"\n",
			day.Unix(), client.Addr, path, status, result)
	}
	run := New(Options{Files: tree, Worlds: []World{w}, Locate: proofClient})
	r, err := accesslog.NewReader(&log, "log", accesslog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var e accesslog.Entry
	for err = r.Next(&e); err == nil; err = r.Next(&e) {
		run.Add(&e)
	}
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	got := run.Report()
	then, now := got.Columns[0], got.Columns[1]
	if got.Counted.Requests != n || then.Local != now.Local || then.Unknown.Requests > 0 {
		t.Fatalf("counted %v, %v", got.Counted, got.Skipped)
	}
	if then.Near.InCountry != now.Near.InCountry {
		t.Errorf("in the client's country: %v then, %v now", then.Near.InCountry, now.Near.InCountry)
	}
	// Two samples of the same size (Press et al., Numerical Recipes, "Are two
	// distributions different?"): 11 degrees of freedom, 31.3 is passed once in a
	// thousand; the draws are the same each time.
	chi := 0.0
	for i := range got.Mirrors {
		a, b := then.Mirrors[i].Requests, now.Mirrors[i].Requests
		if a+b > 0 {
			chi += (a - b) * (a - b) / (a + b)
		}
	}
	if chi > 31.3 || chi == 0 {
		t.Errorf("chi-square is %.1f: %v then, %v now", chi, then.Mirrors, now.Mirrors)
	}
}

// Drawing agrees with the probabilities.
func TestExactAgrees(t *testing.T) {
	t.Parallel()
	w, tree := proofWorld()
	drawn, exact := New(Options{Files: tree, Worlds: []World{w}, Locate: proofClient}), New(Options{Files: tree, Worlds: []World{w}, Locate: proofClient, Exact: true})
	rnd := rand.New(rand.NewPCG(5, 6))
	for range 50_000 {
		e := download(fmt.Sprintf("/f%d", 1+rnd.IntN(200)), netip.AddrFrom4([4]byte{198, 51, 100, byte(rnd.Uint32())}).String(), "m1")
		drawn.Add(e)
		exact.Add(e)
	}
	a, b := drawn.Report(), exact.Report()
	chi := 0.0
	for i := range a.Mirrors {
		got, want := a.Columns[1].Mirrors[i].Requests, b.Columns[1].Mirrors[i].Requests
		chi += (got - want) * (got - want) / want
	}
	if chi > 31.3 {
		t.Errorf("chi-square is %.1f", chi)
	}
}

// BenchmarkAdd replays a million requests in two worlds.
func BenchmarkAdd(b *testing.B) {
	w, tree := proofWorld()
	changed := w
	changed.Name = "changed"
	var entries []*accesslog.Entry
	rnd := rand.New(rand.NewPCG(7, 8))
	for range 10_000 {
		entries = append(entries, download(fmt.Sprintf("/f%d", 1+rnd.IntN(200)), netip.AddrFrom4([4]byte{198, byte(rnd.Uint32()), byte(rnd.Uint32()), byte(rnd.Uint32())}).String(), "m1"))
	}
	run := New(Options{Files: tree, Worlds: []World{w, changed}, Locate: proofClient})
	b.ReportAllocs()
	for b.Loop() {
		for range 100 {
			for _, e := range entries {
				run.Add(e)
			}
		}
	}
}
