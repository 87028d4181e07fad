package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// sourceState is what a source was when it was imported last.
type sourceState struct {
	ETag     string `json:"etag,omitempty"`
	Modified string `json:"modified,omitempty"` // as the server wrote it; of files: size and time
	Sum      string `json:"sum,omitempty"`      // SHA-256 of the content
}

// sourceStates is the setting that remembers them. It holds for one import:
// another one by hand makes the next update fetch everything.
type sourceStates struct {
	Generation int64         `json:"generation"`
	Sources    string        `json:"sources"` // digest of the list, which may have passwords in it
	States     []sourceState `json:"states"`
}

// readSourceStates gives what is remembered of each source, nothing if other
// sources were imported since.
func readSourceStates(ctx context.Context, db *store.Store, generation int64, sources []string) ([]sourceState, error) {
	none := make([]sourceState, len(sources))
	value, err := db.Setting(ctx, store.SettingASNSources)
	if err != nil {
		return nil, err
	}
	var s sourceStates
	ours := json.Unmarshal([]byte(value), &s) == nil // "" before the first
	if ours && s.Generation == generation && s.Sources == digestOf(sources) && len(s.States) == len(sources) {
		return s.States, nil
	}
	return none, nil
}

func writeSourceStates(ctx context.Context, db *store.Store, generation int64, sources []string, states []sourceState) error {
	b, err := json.Marshal(sourceStates{generation, digestOf(sources), states})
	if err != nil {
		return err
	}
	return db.SetSetting(ctx, store.SettingASNSources, string(b))
}

func digestOf(list []string) string {
	h := sha256.New()
	for _, s := range list {
		h.Write([]byte(s + "\x00"))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
