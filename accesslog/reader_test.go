package accesslog

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

const plainLine = `192.0.2.7 - - [21/Nov/2026:20:23:46 +0000] "GET /x HTTP/1.1" 200 5`

// readAll gives the number of entries.
func readAll(t *testing.T, in io.Reader, o Options) (*Reader, int, error) {
	t.Helper()
	r, err := NewReader(in, "log", o)
	if err != nil {
		return nil, 0, err
	}
	var e Entry
	for n := 0; ; n++ {
		if err := r.Next(&e); errors.Is(err, io.EOF) {
			return r, n, nil
		} else if err != nil {
			return r, n, err
		}
	}
}

func TestDecompress(t *testing.T) {
	t.Parallel()
	text := []byte(strings.Repeat(plainLine+"\n", 3))
	var zipped, zstded bytes.Buffer
	w := gzip.NewWriter(&zipped)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	z, err := zstd.NewWriter(&zstded)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := z.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	bzipped, err := hex.DecodeString(bzip2Lines)
	if err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string][]byte{"plain": text, "gzip": zipped.Bytes(), "zstd": zstded.Bytes(), "bzip2": bzipped} {
		if _, n, err := readAll(t, bytes.NewReader(raw), Options{}); n != 3 || err != nil {
			t.Errorf("%s: %d entries, %v", name, n, err)
		}
		if name == "plain" {
			continue
		}
		if _, n, err := readAll(t, bytes.NewReader(raw[:len(raw)-9]), Options{Format: Combined}); err == nil {
			t.Errorf("%s, cut off: %d entries and no error", name, n)
		}
	}
	for _, empty := range []string{"", "\n", "# nothing\n"} {
		if _, n, err := readAll(t, strings.NewReader(empty), Options{}); n != 0 || err != nil {
			t.Errorf("%q: %d entries, %v", empty, n, err)
		}
	}
}

func TestFewBadLines(t *testing.T) {
	t.Parallel()
	log := strings.Repeat(plainLine+"\r\n", 20) + "half a li"
	r, n, err := readAll(t, strings.NewReader(log), Options{})
	if n != 20 || err != nil || r.Counts() != (Counts{Lines: 21, Bad: 1}) || r.FirstBad() != (Line{21, "half a li"}) {
		t.Errorf("%d entries, %v, %+v, %+v", n, err, r.Counts(), r.FirstBad())
	}
	log = strings.Repeat(plainLine+"\n", 60) + strings.Repeat("nonsense\n", 2000)
	r, n, err = readAll(t, strings.NewReader(log), Options{})
	if n != 60 || err == nil || r.Counts().Lines != badLeast || !strings.Contains(err.Error(), "the first is line 61: nonsense") {
		t.Errorf("%d entries, %v", n, err)
	}
}

func TestLongLines(t *testing.T) {
	t.Parallel()
	long := strings.Replace(plainLine, "/x", "/"+strings.Repeat("x", 3*maxLine), 1)
	medium := strings.Replace(plainLine, "/x", "/"+strings.Repeat("x", maxLine/2), 1)
	log := strings.Repeat(plainLine+"\n", 20) + long + "\n" + medium + "\n" + plainLine
	r, n, err := readAll(t, strings.NewReader(log), Options{})
	if n != 22 || err != nil || r.Counts().Bad != 1 || len(r.FirstBad().Text) > 300 || len(r.line) > maxLine {
		t.Errorf("%d entries, %v, %+v", n, err, r.Counts())
	}
}

func TestIntern(t *testing.T) {
	t.Parallel()
	r, err := NewReader(strings.NewReader(""), "log", Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 * maxWords {
		b := []byte{byte(i), byte(i >> 8), byte(i >> 16)}
		if r.intern(b) != string(b) {
			t.Fatal("not the same")
		}
	}
	if len(r.words) != maxWords {
		t.Errorf("%d words are kept", len(r.words))
	}
}

func TestFormats(t *testing.T) {
	t.Parallel()
	for _, name := range Formats() {
		if f, ok := ParseFormat(name); !ok || f.String() != name {
			t.Errorf("%s: %v, %v", name, f, ok)
		}
	}
	if _, ok := ParseFormat("tar"); ok || Format(77).String() != "unknown" {
		t.Error("there is no such format")
	}
}

// bzip2Lines are three lines, compressed by bzip2, which Go does not write.
const bzip2Lines = "" +
	"425a6839314159265359ac6319f70000365f804010500bffb002c1440a00008140200070500034000057faa8a794f4268c10" +
	"d3d0973cacc99b07e60aba4d9318419a4a24b3a4d4520d117745a250766a9357c4d551f5ca2bd724a377655e1b2add66cbd8" +
	"bdac8b84dc3974abf8bb9229c284856318cfb8"
