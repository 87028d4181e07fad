package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestWait(t *testing.T) {
	t.Parallel()
	f := newPushWorld(t, "alpha", "beta", "omega")
	if out := f.ok("wait", "old.iso", "--mirrors", "3"); out != "3 of 3 mirrors have it, with 100% of the load\n" {
		t.Errorf("output %q", out)
	}
	code, _, errs := f.mbctl("wait", "rel/new.iso", "--mirrors", "1", "--no-wait-index")
	if code != exitError || !strings.Contains(errs, "not in the index: is it spelt right") {
		t.Errorf("exit %d: %s", code, errs)
	}
	if code, _, errs = f.mbctl("wait", "rel/new.iso", "--mirrors", "1", "--timeout", "200ms"); code != exitSomeFailed || !strings.Contains(errs, "not in the index yet") {
		t.Errorf("exit %d: %s", code, errs)
	}
	f.file("origin/rel/new.iso", "new")
	f.file("origin/rel/b.iso", "b")
	f.ok("index")
	code, out, errs := f.mbctl("wait", "rel", "--mirrors", "2", "--timeout", "1s", "--json")
	var d waitDoc
	if err := json.Unmarshal([]byte(out), &d); err != nil || code != exitSomeFailed || d.Enough || !d.Indexed || len(d.Have) != 0 || d.Lack["beta"] != "does not have it" {
		t.Errorf("%v exit %d: %s%s", err, code, out, errs)
	}
	// The release reaches mirrors one after the other; wait scans them itself.
	go func() {
		for _, name := range []string{"rel/new.iso", "rel/b.iso"} {
			for _, m := range []string{"omega", "alpha"} {
				time.Sleep(300 * time.Millisecond)
				f.file(m+"/"+name, strings.TrimSuffix(name[4:], ".iso"))
			}
		}
	}()
	code, out, errs = f.mbctl("wait", "rel", "--mirrors", "1", "--per-continent", "--share", "60%", "--scan", "--scan-every", "1s", "--timeout", "60s")
	if code != 0 || out != "2 of 3 mirrors have it, with 67% of the load, as 1 of 1, eu 1 of 1; not beta\n" {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	if !strings.Contains(errs, "not alpha, beta, omega\n") {
		t.Errorf("progress: %s", errs)
	}
	code, _, errs = f.mbctl("wait", "rel", "--mirrors", "3", "--timeout", "300ms")
	if code != exitSomeFailed || !strings.Contains(errs, "not enough after 300ms: 2 mirrors have it, with 67% of the load; not beta (does not have it)") {
		t.Errorf("exit %d: %s", code, errs)
	}
	// A mirror that takes no requests does not count, and its coming back does.
	f.ok("disable", "alpha")
	go func() {
		time.Sleep(300 * time.Millisecond)
		f.mbctl("enable", "alpha")
	}()
	if code, _, errs = f.mbctl("wait", "rel/new.iso", "--mirrors", "2", "--timeout", "30s"); code != 0 || !strings.Contains(errs, "1 of 2 mirrors") {
		t.Errorf("exit %d: %s", code, errs)
	}
	for _, bad := range [][]string{
		{"wait"},
		{"wait", "x"},
		{"wait", "x", "--mirrors", "-1"},
		{"wait", "x", "--per-continent", "--share", "5"},
		{"wait", "x", "--share", "101%"},
		{"wait", "x", "--share", "0"},
		{"wait", "../x", "--mirrors", "1"},
		{"wait", "x", "--mirrors", "1", "--timeout", "soon"},
		{"wait", "x", "y", "--mirrors", "1"},
		{"wait", "x", "--mirrors", "1", "--scan", "--scan-every", "1ms"},
		{"wait", "x", "--mirrors", "1", "--complete", "NaN"},
	} {
		if code, _, errs := f.mbctl(bad...); code != exitUsage {
			t.Errorf("%q: exit %d %s", bad, code, errs)
		}
	}
}
