package torrent

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"testing"
)

// decode reads one bencoded value and rejects whatever BEP 3 does not allow:
// keys out of order or twice, numbers with leading zeros, bytes after the end.
// Strings become string, numbers int64, lists []any, dictionaries map[string]any.
func decode(b []byte) (any, error) {
	d := decoder{b}
	v, err := d.value(0)
	if err == nil && len(d.rest) > 0 {
		err = fmt.Errorf("%d bytes after the end", len(d.rest))
	}
	return v, err
}

type decoder struct{ rest []byte }

func (d *decoder) value(depth int) (any, error) {
	if len(d.rest) == 0 || depth > 20 {
		return nil, errors.New("ends early or is too deep")
	}
	switch c := d.rest[0]; {
	case c == 'i':
		d.rest = d.rest[1:]
		return d.number('e')
	case c == 'l':
		return d.list(depth)
	case c == 'd':
		return d.dict(depth)
	case c >= '0' && c <= '9':
		return d.str()
	default:
		return nil, fmt.Errorf("value begins with %q", c)
	}
}

func (d *decoder) number(end byte) (int64, error) {
	digits, rest, ok := bytes.Cut(d.rest, []byte{end})
	n, err := strconv.ParseInt(string(digits), 10, 64)
	if !ok || err != nil || strconv.FormatInt(n, 10) != string(digits) {
		return 0, fmt.Errorf("%q is no number", digits)
	}
	d.rest = rest
	return n, nil
}

func (d *decoder) str() (string, error) {
	n, err := d.number(':')
	if err != nil || n < 0 || n > int64(len(d.rest)) {
		return "", fmt.Errorf("string of %d bytes: %w", n, err)
	}
	s := string(d.rest[:n])
	d.rest = d.rest[n:]
	return s, nil
}

// ended takes the end of a list or dictionary, if it is next.
func (d *decoder) ended() bool {
	if len(d.rest) == 0 || d.rest[0] != 'e' {
		return false
	}
	d.rest = d.rest[1:]
	return true
}

func (d *decoder) list(depth int) (any, error) {
	d.rest = d.rest[1:]
	list := []any{}
	for !d.ended() {
		v, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func (d *decoder) dict(depth int) (any, error) {
	d.rest = d.rest[1:]
	dict := map[string]any{}
	last, first := "", true
	for !d.ended() {
		key, err := d.str()
		if err != nil {
			return nil, err
		}
		if !first && key <= last {
			return nil, fmt.Errorf("key %q after %q", key, last)
		}
		last, first = key, false
		if dict[key], err = d.value(depth + 1); err != nil {
			return nil, fmt.Errorf("%q: %w", key, err)
		}
	}
	return dict, nil
}

func TestDecodeIsStrict(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "i01e", "i-0e", "ie", "5:abc", "d1:b0:1:a0:e", "d1:a0:1:a0:e", "le1:a", "x", "l", "di1e0:e"} {
		if v, err := decode([]byte(bad)); err == nil {
			t.Errorf("%q is taken for %v", bad, v)
		}
	}
}

// mustDecode reads a dictionary.
func mustDecode(t testing.TB, b []byte) map[string]any {
	t.Helper()
	v, err := decode(b)
	if err != nil {
		t.Fatalf("%v in %q", err, b)
	}
	d, ok := v.(map[string]any)
	if !ok {
		t.Fatalf("%q is no dictionary", b)
	}
	return d
}
