package movein

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// memory is what was taken over from one system the last time, so that a later
// run can tell what changed there from what was changed here. It is one setting
// of our database.
type memory struct {
	// Mirrors by their names there.
	Mirrors map[string]*remembered `json:"mirrors"`
	Markers []Marker               `json:"markers,omitempty"`
}

type remembered struct {
	ID      mirror.ID         `json:"id"` // here
	Enabled bool              `json:"enabled"`
	Fields  map[string]string `json:"fields"` // see field.value
}

func settingOf(system string) string { return "import/" + system }

func recall(ctx context.Context, db *store.Store, system string) (*memory, error) {
	m := &memory{Mirrors: map[string]*remembered{}}
	raw, err := db.Setting(ctx, settingOf(system))
	if err != nil || raw == "" {
		return m, err
	}
	if err := json.Unmarshal([]byte(raw), m); err != nil {
		return nil, fmt.Errorf("what was taken over the last time (setting %s) cannot be read: %w", settingOf(system), err)
	}
	if m.Mirrors == nil {
		m.Mirrors = map[string]*remembered{}
	}
	return m, nil
}

// keep stores m, unless it is what is stored.
func (m *memory) keep(ctx context.Context, db *store.Store, system string) error {
	raw, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("remembering what was taken over: %w", err)
	}
	if was, err := db.Setting(ctx, settingOf(system)); err != nil || was == string(raw) {
		return err
	}
	return db.SetSetting(ctx, settingOf(system), string(raw))
}
