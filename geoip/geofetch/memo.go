package geofetch

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
)

// answer is what is remembered of a server's answer, to ask for news alone.
type answer struct {
	url string

	URL          string `json:"url_sha256"` // hashed: it may hold a key
	ETag         string `json:"etag,omitempty"`
	LastModified string `json:"last_modified,omitempty"`
	Size         int64  `json:"size"`  // of the database
	Time         int64  `json:"mtime"` // likewise, ns since the epoch
}

// memoName is where the answer is kept that led to the database at path.
func memoName(path string) string { return path + ".source" }

func hashed(url string) string {
	sum := sha256.Sum256([]byte(url))
	return hex.EncodeToString(sum[:])
}

// recall gives what is known of the database at path, if it is still the one that
// came from url.
func recall(path, url string) (a answer, ok bool) {
	b, err := os.ReadFile(memoName(path))
	if err != nil || json.Unmarshal(b, &a) != nil {
		return answer{}, false
	}
	st, err := os.Stat(path)
	ok = err == nil && a.URL == hashed(url) && a.Size == st.Size() && a.Time == st.ModTime().UnixNano()
	return a, ok
}

func (a *answer) remember(path string) error {
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	a.URL, a.Size, a.Time = hashed(a.url), st.Size(), st.ModTime().UnixNano()
	b, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return os.WriteFile(memoName(path), append(b, '\n'), 0o644) //nolint:gosec // nothing in it is secret
}
