package autoindex

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// caddyItem has the keys of Caddy's browse, in its order.
type caddyItem struct {
	Name        string      `json:"name"`
	Size        int64       `json:"size"`
	URL         string      `json:"url"`
	ModTime     time.Time   `json:"mod_time"`
	Mode        fs.FileMode `json:"mode"`
	IsDir       bool        `json:"is_dir"`
	IsSymlink   bool        `json:"is_symlink"`
	SymlinkPath string      `json:"symlink_path,omitempty"`
}

// FuzzJSON: of an entry of which only the disk tells, the bytes are those that
// Caddy writes.
func FuzzJSON(f *testing.F) {
	f.Add("a&b <c>.iso", int64(1), int64(1704164645), uint32(0o644), false, "")
	f.Add("q?x#y%z:\xfc\\\"'\u2028\x7f\n*!()", int64(0), int64(-1), uint32(0), true, "../\xff")
	f.Fuzz(func(t *testing.T, name string, size, seconds int64, mode uint32, dir bool, target string) {
		if size < 0 || name == "" {
			return
		}
		e := New(name, dir)
		e.Size, e.ModTime, e.Mode = size, time.Unix(seconds, seconds&0xffff).In(time.FixedZone("x", 3600)), fs.FileMode(mode)
		e.Symlink, e.SymlinkTarget = target != "", target
		shown := e.shownName()
		item := caddyItem{
			Name: shown, Size: size, URL: (&url.URL{Path: "./" + shown}).String(), ModTime: e.ModTime.UTC(), Mode: e.Mode,
			IsDir: dir, IsSymlink: e.Symlink, SymlinkPath: target,
		}
		var want bytes.Buffer
		if err := json.NewEncoder(&want).Encode([]caddyItem{item, item}); err != nil {
			return // a year that JSON cannot have
		}
		got := AppendJSON(nil, &Listing{Entries: []Entry{e, e}})
		if diff := cmp.Diff(want.String(), string(got)); diff != "" {
			t.Errorf("-Caddy +ours:\n%s", diff)
		}
	})
}

func TestJSON(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 1, 2, 3, 4, 5, 678, time.UTC)
	file := Entry{
		Name: "a.iso", Size: 5, ModTime: at, Mode: 0o644, Indexed: true, Mirrors: 0, Files: -1, Bytes: -1,
		SHA256: [32]byte{0xab}, Documents: MirrorList | Torrent, Description: "An <ISO>",
	}
	folder := New("sub", true)
	folder.Files, folder.Bytes, folder.Mode, folder.Indexed, folder.Mirrors = 3, 0, fs.ModeDir|0o755, true, 7
	unknown := New("x", false)
	unknown.Mirrors = 3 // not in the index: means nothing
	found := New("deep", false)
	found.Folder, found.Size = "a:b/", 1
	strange := New("year", false)
	strange.ModTime = time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		entries []Entry
		want    string
	}{
		{nil, "[]\n"},
		{[]Entry{file}, `[{"name":"a.iso","size":5,"url":"./a.iso","mod_time":"2024-01-02T03:04:05.000000678Z","mode":420,"is_dir":false,"is_symlink":false,` +
			`"mirrors":0,"sha256":"ab00000000000000000000000000000000000000000000000000000000000000","documents":["mirrorlist","torrent"],"description":"An \u003cISO\u003e"}]` + "\n"},
		{[]Entry{folder}, `[{"name":"sub/","size":0,"url":"./sub/","mod_time":"0001-01-01T00:00:00Z","mode":2147484141,"is_dir":true,"is_symlink":false,"files":3,"bytes":0}]` + "\n"},
		{[]Entry{unknown, strange}, `[{"name":"x","size":null,"url":"./x","mod_time":"0001-01-01T00:00:00Z","mode":0,"is_dir":false,"is_symlink":false},` +
			`{"name":"year","size":null,"url":"./year","mod_time":"0001-01-01T00:00:00Z","mode":0,"is_dir":false,"is_symlink":false}]` + "\n"},
		{[]Entry{found}, `[{"name":"a:b/deep","size":1,"url":"./a:b/deep","mod_time":"0001-01-01T00:00:00Z","mode":0,"is_dir":false,"is_symlink":false}]` + "\n"},
	} {
		got := string(AppendJSON(nil, &Listing{Entries: tt.entries}))
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Error(diff)
		}
		if !json.Valid([]byte(got)) {
			t.Errorf("%s is no JSON", got)
		}
	}
}
