package asn

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadMRT(t *testing.T) {
	t.Parallel()
	var d dump
	d.peers(4)
	d.rib(t, "1.0.0.0/24", false, entry{0, "1 13335"}, entry{1, "2 13335"}, entry{2, "3 13336"})
	d.rib(t, "2001:200::/32", false, entry{0, "1 2500 2500"}, entry{3, "4 {2501,2502}"}, entry{2, "3 2500"})
	d.rib(t, "0.0.0.0/0", false, entry{0, "1"})
	d.rib(t, "8.8.8.8/32", false, entry{3, ""}, entry{9, ""}) // a peer's own, and of a peer that is not there
	d.rib(t, "9.0.0.0/9", true, entry{0, "1 19"}, entry{0, "1 19"}, entry{0, "1 19"}, entry{1, "2 18"}, entry{2, "3 18"})
	d.rib(t, "10.0.0.0/8", true, entry{0, "1 (2 3)"})
	d.rib(t, "2001:db8::/32", true, entry{1, "2 396982"})
	d.record(mrtTableDumpV2, 3, []byte("multicast")) // skipped
	d.record(48, 1, []byte("OSPF"))
	path := filepath.Join(t.TempDir(), "rib.20261101.0000.gz")
	writeFile(t, path, zip(t, d.Bytes()))
	got, stats := readAll(t, path)
	want := []string{
		"1.0.0.0/24 13335", "8.8.8.8/32 4", "9.0.0.0/9 18", "10.0.0.0/8 1",
		"2001:200::/32 2500", "2001:db8::/32 396982",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(Stats{Format: "MRT", Lines: 16, Prefixes: 6, IPv4: 4, IPv6: 2, Default: 1, MultiOrigin: 4}, stats); diff != "" {
		t.Error(diff)
	}
}

func TestReadOldMRT(t *testing.T) {
	t.Parallel()
	var d dump
	d.old(t, "1.0.0.0/24", entry{0, "1 13335"})
	d.old(t, "1.0.0.0/24", entry{1, "2 396982 396982"})
	d.old(t, "1.0.0.0/24", entry{2, "3 396982"})
	d.old(t, "1.0.1.0/24", entry{2, "100000 {396983,396984}"})
	d.old(t, "1.0.2.0/24", entry{3, ""})
	d.old(t, "2001:200::/32", entry{0, "1 2500"})
	path := filepath.Join(t.TempDir(), "rib")
	writeFile(t, path, d.Bytes())
	got, _ := readAll(t, path)
	want := []string{"1.0.0.0/24 396982", "1.0.1.0/24 396983", "1.0.2.0/24 4", "2001:200::/32 2500"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A path of 32-bit numbers that is longer than the one beside it is not of it.
func TestPathsBesideEachOther(t *testing.T) {
	t.Parallel()
	attribute := func(kind byte, path []byte) []byte {
		return append([]byte{0x40, kind, byte(len(path))}, path...)
	}
	for name, test := range map[string]struct {
		path, path4 string
		want        uint32
	}{
		"alike":                     {"1 23456", "1 100000", 100000},
		"the end":                   {"1 2 23456", "100000", 100000},
		"longer":                    {"23456", "1 100000", 23456},
		"empty":                     {"1 2", "", 2},
		"only its confederation":    {"1 2", "(3)", 2},
		"a set is one":              {"1 23456", "1 {100000,100001,100002}", 100000},
		"confederations are nobody": {"1 23456", "(5 6 7) 100000", 100000},
	} {
		b := fieldReader{b: append(attribute(attributeASPath, encodePath(t, test.path, 2)), attribute(attributeAS4Path, encodePath(t, test.path4, 4))...)}
		if got, ok, err := mrtOrigin(&b, 2); err != nil || !ok || got != test.want {
			t.Errorf("%s: %d, %v, %v; want %d", name, got, ok, err, test.want)
		}
	}
}

func TestMRTRefused(t *testing.T) {
	t.Parallel()
	whole := func(fill func(*dump)) []byte {
		var d dump
		d.peers(3)
		d.rib(t, "1.0.0.0/24", false, entry{0, "1 13335"})
		fill(&d)
		return d.Bytes()
	}
	body := func(b ...byte) []byte { return whole(func(d *dump) { d.record(mrtTableDumpV2, ribIPv4, b) }) }
	huge := whole(func(d *dump) { d.record(mrtTableDumpV2, ribIPv4, nil) })
	binary.BigEndian.PutUint32(huge[len(huge)-4:], 0xffffffff)
	large := whole(func(d *dump) { d.record(mrtTableDumpV2, ribIPv4, nil) })
	binary.BigEndian.PutUint32(large[len(large)-4:], maxRecord)
	var updates dump
	updates.record(mrtUpdates, 4, []byte("x"))
	for name, test := range map[string]struct {
		content []byte
		want    string
	}{
		"cut off in a record":     {whole(func(*dump) {})[:70], "unexpected EOF"},
		"cut off in a header":     {append(whole(func(*dump) {}), 0, 0, 0), "its header: unexpected EOF"},
		"a length beyond all":     {huge, "more than"},
		"a length beyond the end": {large, "unexpected EOF"},
		"updates":                 {updates.Bytes(), "a table dump is needed"},
		"an empty record":         {body(), "cut off"},
		"a long prefix":           {body(0, 0, 0, 1, 33, 1, 2, 3, 4, 5, 0, 0), "the length 33"},
		"half a prefix":           {body(0, 0, 0, 1, 24, 1, 2), "a prefix is cut off"},
		"routes missing":          {body(0, 0, 0, 1, 8, 9, 0, 5), "the routes to 9.0.0.0/8 are cut off"},
		"attributes missing":      {body(0, 0, 0, 1, 8, 9, 0, 1, 0, 0, 1, 1, 1, 1, 0, 9, 1), "the routes to 9.0.0.0/8 are cut off"},
		"half an attribute":       {body(0, 0, 0, 1, 8, 9, 0, 1, 0, 0, 1, 1, 1, 1, 0, 3, 0x40, 2, 9), "its attributes are cut off"},
		"half a path":             {body(0, 0, 0, 1, 8, 9, 0, 1, 0, 0, 1, 1, 1, 1, 0, 5, 0x40, 2, 2, 2, 7), "its path is cut off"},
		"peers missing":           {whole(func(d *dump) { d.record(mrtTableDumpV2, peerIndexTable, []byte{1, 2, 3, 4, 0, 0, 255, 255, 2}) }), "the table of peers is cut off"},
		"half an old route":       {whole(func(d *dump) { d.record(mrtTableDump, tableIPv4, []byte{1, 2, 3}) }), "is cut off"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := parse("rib", bytes.NewReader(test.content)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v; want %q", err, test.want)
			}
		})
	}
}

// TestAgainstBgpdump lets another program read what the generator of these tests
// writes, and reads what it prints: the table must be the same.
func TestAgainstBgpdump(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("bgpdump")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("bgpdump is missing (package bgpdump)")
		}
		t.Skip("bgpdump is missing (package bgpdump)")
	}
	random := rand.New(rand.NewPCG(11, 12))
	var v2, old dump
	v2.peers(20)
	for _, p := range randomPrefixes(random, 500) {
		var entries []entry
		for peer := range 1 + random.IntN(20) {
			e := entry{peer, randomPath(random)}
			entries = append(entries, e)
			if random.IntN(4) == 0 {
				old.old(t, p.Prefix.String(), e)
			}
		}
		v2.rib(t, p.Prefix.String(), false, entries...)
	}
	for name, content := range map[string][]byte{"TABLE_DUMP_V2": v2.Bytes(), "TABLE_DUMP": old.Bytes()} {
		path := filepath.Join(t.TempDir(), "rib")
		writeFile(t, path, content)
		want, stats := readAll(t, path)
		for _, how := range []string{"-m", "-M"} {
			out, err := exec.CommandContext(t.Context(), program, how, path).Output()
			if err != nil {
				t.Fatal(err)
			}
			writeFile(t, path+how, out)
			got, theirs := readAll(t, path+how)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, %s (-ours +theirs):\n%s", name, how, diff)
			}
			if stats.Lines != theirs.Lines || stats.MultiOrigin != theirs.MultiOrigin || len(got) < 100 {
				t.Errorf("%s, %s: %v and %v", name, how, stats, theirs)
			}
		}
	}
}

func randomPath(random *rand.Rand) string {
	origin := []uint32{3320, 13335, 15169, 396982, 64512, 0, 23456}[random.IntN(7)]
	path := []string{fmt.Sprint(1 + random.IntN(20)), fmt.Sprint(3000 + random.IntN(200_000))}
	switch random.IntN(8) {
	case 0:
		path = append(path, fmt.Sprintf("{%d,%d}", origin, 1000+random.IntN(5)))
	case 1:
		path = append(path, fmt.Sprint(origin), "(65001 65002)")
	default:
		path = append(path, slices.Repeat([]string{fmt.Sprint(origin)}, 1+random.IntN(3))...)
	}
	return strings.Join(path, " ")
}

func FuzzMRT(f *testing.F) {
	for _, content := range inAllRouteFormats(f, 0, "1 {2,3}", "1 (2) 100000", "") {
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		c := new(collector)
		if readMRT(bytes.NewReader(content), c) == nil {
			_ = c.finish()
		}
		if n := c.rows.len(); n*8 > len(content) {
			t.Errorf("%d prefixes in %d bytes", n, len(content))
		}
	})
}

func FuzzShowBGP(f *testing.F) {
	for _, content := range inAllRouteFormats(f, 0, "1 {2,3}", "1 (2) 100000", "") {
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		before := bytes.Clone(content)
		c := new(collector)
		if readShowBGP(bytes.NewReader(content), c) == nil {
			_ = c.finish()
		}
		if !bytes.Equal(before, content) {
			t.Error("the input was written to")
		}
	})
}

func FuzzBGPdump(f *testing.F) {
	fuzzLine(f, bgpdump, "TABLE_DUMP2|1|B|192.0.2.1|1|1.0.0.0/24|1 {2,3} (4)|IGP", "TABLE_DUMP|1|B|::|x|::/0||")
}

func FuzzASNames(f *testing.F) {
	fuzzLine(f, asNames, "AS1 LVLT-1, US", "13335 CLOUDFLARENET, US", "AS1")
}
