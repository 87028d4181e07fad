package mirrorbrain

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/geoip"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

const (
	announceEvery   = 30 * time.Second
	announceTimeout = 10 * time.Second
)

// announce tells an instance's database from time to time about this node: its
// position and the settings that decide its requests. That this fails while the
// database is away is no news: the catalog says so.
func (a *App) announce(ctx context.Context, in *instance) {
	if !in.db.ready(ctx) {
		return
	}
	a.warn(in)
	settings := a.settings(in)
	for {
		head, _ := in.db.catalog.Position()
		version, _ := caddy.Version()
		c, cancel := context.WithTimeout(ctx, announceTimeout)
		err := in.db.store.PutNode(c, store.Node{Name: in.Node, Head: head, Settings: settings, Version: version})
		cancel()
		if err != nil && !errors.Is(err, store.ErrUnreachable) && !errors.Is(err, store.ErrReadOnly) && ctx.Err() == nil {
			a.logger.Debug("telling the database about this node", "instance", in.name, "err", err)
		}
		a.recordStates(ctx, in)
		select {
		case <-ctx.Done():
			return
		case <-time.After(announceEvery):
		}
	}
}

// recordStates records what states the mirrors have come to have, as every node
// and daemon does. Where a node reads a replica, others do.
func (a *App) recordStates(ctx context.Context, in *instance) {
	ctx, cancel := context.WithTimeout(ctx, announceTimeout)
	defer cancel()
	err := in.db.store.RecordStates(ctx, time.Time{}, in.scanAge(in.db.catalog.View()))
	if err != nil && !errors.Is(err, store.ErrUnreachable) && !errors.Is(err, store.ErrReadOnly) && ctx.Err() == nil {
		a.logger.Debug("recording the states of mirrors", "instance", in.name, "err", err)
	}
}

// ready waits until the catalog has been loaded; false when ctx ends before.
func (d *database) ready(ctx context.Context) bool {
	for !d.catalog.Ready() {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(100 * time.Millisecond):
		}
	}
	return true
}

// nodeSettings are the effective settings of a node, defaults included. The
// database's URL is not among them: it may hold a password.
type nodeSettings struct {
	Instance   string           `json:"instance"`
	GeoIP      string           `json:"geoip,omitempty"`
	GeoIPASN   string           `json:"geoip_asn,omitempty"`
	Overrides  []geoip.Override `json:"geo_overrides,omitempty"`
	MaxScanAge caddy.Duration   `json:"max_scan_age,omitempty"` // 0: as the database says
	Sites      []*Handler       `json:"sites"`
}

func (a *App) settings(in *instance) string {
	s := nodeSettings{Instance: in.name, GeoIP: in.GeoIP, GeoIPASN: in.GeoIPASN, Overrides: in.GeoOverrides, MaxScanAge: in.MaxScanAge, Sites: []*Handler{}}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, h := range a.sites {
		if h.rt == in {
			s.Sites = append(s.Sites, h)
		}
	}
	text, err := json.Marshal(s)
	if err != nil {
		return "{}"
	}
	return string(withoutSecrets(text))
}

// withoutSecrets leaves the keys out of the settings of sites, which everybody
// who may read the database sees.
func withoutSecrets(text []byte) []byte {
	var all map[string]any
	if json.Unmarshal(text, &all) != nil {
		return []byte("{}")
	}
	sites, _ := all["sites"].([]any)
	for _, s := range sites {
		if site, ok := s.(map[string]any); ok {
			delete(site, "stamp_key")
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		return []byte("{}")
	}
	return text
}
