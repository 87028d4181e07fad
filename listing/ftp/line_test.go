package ftp

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

var testNow = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func ns(year int, month time.Month, day, hour, minute, second int) int64 {
	return time.Date(year, month, day, hour, minute, second, 0, time.UTC).UnixNano()
}

const day = 24 * time.Hour

func TestParseList(t *testing.T) {
	t.Parallel()
	file := func(name string, size, mtime int64, precision time.Duration, mode uint32) listing.Entry {
		return listing.Entry{
			Path: name, SizeMin: size, SizeMax: size, MTime: mtime, Precision: precision, ZoneUnknown: true,
			Mode: mode, HasMode: true,
		}
	}
	other := func(kind listing.Kind, name, target string, mtime int64, precision time.Duration, mode uint32) listing.Entry {
		e := file(name, -1, mtime, precision, mode)
		e.Kind, e.Target = kind, target
		return e
	}
	dos := func(kind listing.Kind, name string, size, mtime int64) listing.Entry {
		return listing.Entry{
			Path: name, Kind: kind, SizeMin: size, SizeMax: size,
			MTime: mtime, Precision: time.Minute, ZoneUnknown: true,
		}
	}
	for line, want := range map[string]listing.Entry{
		// vsftpd, proftpd, pure-ftpd, wu-ftpd
		"-rw-r--r--    1 ftp      ftp      12345678901 Feb 03  2024 big.iso":    file("big.iso", 12345678901, ns(2024, 2, 3, 0, 0, 0), day, 0o644),
		"-rw-r-----    1 ftp      ftp            17 Feb 27 10:05 recent":        file("recent", 17, ns(2026, 2, 27, 10, 5, 0), time.Minute, 0o640),
		"-rw-r--r--    1 0        0              17 Dec 31 23:59 last year":     file("last year", 17, ns(2025, 12, 31, 23, 59, 0), time.Minute, 0o644),
		"-rw-r--r--    1 0        0              17 Mar 02 11:59 tomorrow":      file("tomorrow", 17, ns(2026, 3, 2, 11, 59, 0), time.Minute, 0o644),
		"-rw-r--r--    1 0        0              17 Mar 02 12:01 long ago":      file("long ago", 17, ns(2025, 3, 2, 12, 1, 0), time.Minute, 0o644),
		"-rw-r--r--    1 0        0              17 Feb 29 12:00 leap":          file("leap", 17, ns(2024, 2, 29, 12, 0, 0), time.Minute, 0o644),
		"-rw-r--r--    1 0        0               1 Feb 03  2024  two  blanks ": file(" two  blanks ", 1, ns(2024, 2, 3, 0, 0, 0), day, 0o644),
		"drwxr-sr-t    2 ftp      ftp          4096 Feb 03  2024 dir":           other(listing.Dir, "dir", "", ns(2024, 2, 3, 0, 0, 0), day, 0o3755),
		"lrwxrwxrwx    1 ftp      ftp             3 Feb 03  2024 l -> a/b":      other(listing.Symlink, "l", "a/b", ns(2024, 2, 3, 0, 0, 0), day, 0o777),
		"brw-rw----    1 root     disk       8,   0 Feb 03  2024 sda":           other(listing.Other, "sda", "", ns(2024, 2, 3, 0, 0, 0), day, 0o660),
		"-rw-r--r--+   1 ftp      ftp             5 Feb 03  2024 acl":           file("acl", 5, ns(2024, 2, 3, 0, 0, 0), day, 0o644),
		// users with blanks, no group, no links, day first, ISO dates
		"-rw-r--r--    1 Domain Users 1024 Staff 99 Feb 03  2024 f": file("f", 99, ns(2024, 2, 3, 0, 0, 0), day, 0o644),
		"-rw-r--r-- owner 1024 Feb 3 2024 f":                        file("f", 1024, ns(2024, 2, 3, 0, 0, 0), day, 0o644),
		"-r--------   0 user group     65222236 Feb 24 00:39 x.csv": file("x.csv", 65222236, ns(2026, 2, 24, 0, 39, 0), time.Minute, 0o400),
		"-rw-r--r--    1 a b 7 3 Feb 2024 f":                        file("f", 7, ns(2024, 2, 3, 0, 0, 0), day, 0o644),
		"-rw-r--r--    1 a b 7 2024-02-03 04:05 f":                  file("f", 7, ns(2024, 2, 3, 4, 5, 0), time.Minute, 0o644),
		"-rw-r--r-- 1 ftp ftp 2 Feb 03 2024 3 Jan 04 2020 x":        file("3 Jan 04 2020 x", 2, ns(2024, 2, 3, 0, 0, 0), day, 0o644),
		"-rw-r--r-- 1 ftp ftp 2 Feb 03 2024 \xfc\xe9":               file("\xfc\xe9", 2, ns(2024, 2, 3, 0, 0, 0), day, 0o644),
		"-rw-r--r-- 1 ftp ftp 2 Feb 03 9999 future":                 {Path: "future", SizeMin: 2, SizeMax: 2, Mode: 0o644, HasMode: true},
		// IIS
		"02-03-24  04:05PM                 1229 file name.txt": dos(listing.File, "file name.txt", 1229, ns(2024, 2, 3, 16, 5, 0)),
		"02-03-2024  12:05AM           4294967297 big":         dos(listing.File, "big", 4294967297, ns(2024, 2, 3, 0, 5, 0)),
		"2024-02-03  16:05       <DIR>          some dir":      dos(listing.Dir, "some dir", -1, ns(2024, 2, 3, 16, 5, 0)),
	} {
		got, err := parseList(line, testNow)
		if err != nil {
			t.Errorf("%q: %v", line, err)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", line, diff)
		}
	}
}

func TestParseListRefuses(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]error{
		"total 12":     errNoEntry,
		"insgesamt 12": errNoEntry,
		"drwxr-xr-x    2 ftp      ftp          4096 Feb 03  2024 .":  errNoEntry,
		"drwxr-xr-x    2 ftp      ftp          4096 Feb 03  2024 ..": errNoEntry,
		"02-03-24  04:05PM       <DIR>          ..":                  errNoEntry,
		"ls: cannot open directory":                                  errLine,
		"-rw-r--r--    1 ftp      ftp          4096 Feb 30  2024 f":  errLine,
		"-rw-r--r--    1 ftp      ftp          4096 Feb 03  2024":    errLine,
		"-rw-r--r--    1 ftp      ftp          4096 Feb 03  2024 ":   errLine,
		"-rw-r--r--    1 ftp      ftp          4096 Fév 03  2024 f":  errLine,
		"?rw-r--r--    1 ftp      ftp          4096 Feb 03  2024 f":  errLine,
		"+i8388621.29609,m824255902,/,\tdev":                         errLine,
		"13-03-24  04:05PM                 1229 f":                   errLine,
		"": errLine,
	} {
		if _, err := parseList(line, testNow); !errors.Is(err, want) {
			t.Errorf("%q: got %v, want %v", line, err, want)
		}
	}
}

func TestParseMLSD(t *testing.T) {
	t.Parallel()
	at := ns(2024, 2, 3, 4, 5, 6)
	for line, want := range map[string]listing.Entry{
		"Type=file;Size=1229;Modify=20240203040506; a  b ":                         {Path: "a  b ", SizeMin: 1229, SizeMax: 1229, MTime: at, Precision: time.Second},
		"modify=20240203040506.789;perm=adfr;size=0;type=file;UNIX.mode=0640; =;=": {Path: "=;=", MTime: at, Precision: time.Second, Mode: 0o640, HasMode: true},
		"type=dir;sizd=4096;modify=20240203040506; d":                              {Path: "d", Kind: listing.Dir, SizeMin: -1, SizeMax: -1, MTime: at, Precision: time.Second},
		"type=OS.unix=slink:/t x;size=3; l":                                        {Path: "l", Kind: listing.Symlink, Target: "/t x", SizeMin: -1, SizeMax: -1},
		"type=OS.unix=chr-1/2; dev":                                                {Path: "dev", Kind: listing.Other, SizeMin: -1, SizeMax: -1},
		"type=file;size=-5;modify=2024; odd":                                       {Path: "odd", SizeMin: -1, SizeMax: -1},
	} {
		got, err := parseMLSD(line)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%q: %v (-want +got):\n%s", line, err, diff)
		}
	}
	for line, want := range map[string]error{
		"type=cdir;modify=20240203040506; /pub": errNoEntry,
		"type=pdir; ..":                         errNoEntry,
		"type=dir; .":                           errNoEntry,
		"size=5; f":                             errLine,
		"type=file;size=5;f":                    errLine,
		"junk":                                  errLine,
		"type=file; ":                           errLine,
	} {
		if _, err := parseMLSD(line); !errors.Is(err, want) {
			t.Errorf("%q: got %v, want %v", line, err, want)
		}
	}
}

func TestReplies(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"Entering Extended Passive Mode (|||6446|)": 6446,
		"(!!!70000!)": 0, "(|||0|)": 0, "": 0, "()": 0, "(||6446|)": 0,
	} {
		if got, ok := epsvPort(text); got != want && ok || ok != (want > 0) {
			t.Errorf("EPSV %q: got %d, %v", text, got, ok)
		}
	}
	for text, want := range map[string]int{
		"Entering Passive Mode (192,0,2,1,25,46).": 25<<8 + 46,
		"Entering Passive Mode 192,0,2,1,25,46":    25<<8 + 46,
		"(1,2,3,4,256,1)":                          0, "(1,2,3,4,5)": 0, "": 0, "(1,2,3,4,0,0)": 0,
	} {
		if got, ok := pasvPort(text); got != want && ok || ok != (want > 0) {
			t.Errorf("PASV %q: got %d, %v", text, got, ok)
		}
	}
	for text, want := range map[string]string{
		`"/" is the current directory`: "/", `"/a ""b"" c" ok`: `/a "b" c`, `no quotes`: "", `"open`: "open",
	} {
		if got := quoted(text); got != want {
			t.Errorf("PWD %q: got %q, want %q", text, got, want)
		}
	}
	for offer, want := range map[string]string{
		"Type*;Modify*;Size*;":                      "",
		"type*;size*;modify*;UNIX.mode;UNIX.owner;": "type;size;modify;UNIX.mode;",
		"": "",
	} {
		if got := wantedFacts(offer); got != want {
			t.Errorf("MLST %q: got %q, want %q", offer, got, want)
		}
	}
}

// checkEntry says what holds for every entry, whatever a server sends.
func checkEntry(t *testing.T, line string, e listing.Entry, err error) {
	t.Helper()
	if err != nil {
		return
	}
	switch {
	case e.Path == "" || e.Path == "." || e.Path == "..":
		t.Errorf("%q: name %q", line, e.Path)
	case !strings.Contains(line, e.Path):
		t.Errorf("%q: made up the name %q", line, e.Path)
	case e.SizeMin != e.SizeMax || e.SizeMin < -1 || e.Kind != listing.File && e.SizeMin != -1:
		t.Errorf("%q: size %d to %d", line, e.SizeMin, e.SizeMax)
	case e.Precision < 0 || e.Precision == 0 && e.MTime != 0:
		t.Errorf("%q: time %d, precision %s", line, e.MTime, e.Precision)
	case e.Mode > 0o7777:
		t.Errorf("%q: mode %o", line, e.Mode)
	}
}

func FuzzParseList(f *testing.F) {
	for _, s := range []string{
		"-rw-r--r--    1 ftp      ftp      12345678901 Feb 03  2024 big.iso",
		"drwxr-sr-t    2 ftp      ftp          4096 Feb 27 10:05 dir",
		"lrwxrwxrwx    1 ftp      ftp             3 Feb 03  2024 l -> a/b",
		"brw-rw----    1 root     disk       8,   0 Feb 03  2024 sda",
		"-rw-r--r--    1 a b 7 2024-02-03 04:05 f", "total 12",
		"02-03-24  04:05PM                 1229 file name.txt",
		"02-03-24  04:05PM       <DIR>          dir",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		e, err := parseList(line, testNow)
		checkEntry(t, line, e, err)
	})
}

func FuzzParseMLSD(f *testing.F) {
	f.Add("Type=file;Size=1229;Modify=20240203040506;UNIX.mode=0644; name")
	f.Add("type=OS.unix=slink:/tx;size=3; l")
	f.Add("type=cdir; .")
	f.Fuzz(func(t *testing.T, line string) {
		e, err := parseMLSD(line)
		checkEntry(t, line, e, err)
	})
}
