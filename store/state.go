package store

import (
	"context"
	"database/sql"
	"errors"
)

// Head gives the position of the database.
func (s *Store) Head(ctx context.Context) (h Head, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT revision, stamp FROM head").Scan(&h.Revision, &h.Stamp)
	return h, fail("reading the head", deadline(ctx, err))
}

// Key gives the SipHash key of this database, drawn at set-up.
func (s *Store) Key(ctx context.Context) (key [16]byte, err error) {
	var raw []byte
	err = s.db.QueryRowContext(ctx, "SELECT hash_key FROM head").Scan(&raw)
	copy(key[:], raw)
	return key, fail("reading the hash key", deadline(ctx, err))
}

// SettingKeepVersions is the setting that says how long replaced and removed
// versions are known, as the last index run kept them: a duration of Go.
const SettingKeepVersions = "keep_versions"

// SettingASNSources is the setting that remembers what the prefix table was
// fetched from: JSON of mbctl's own.
const SettingASNSources = "asn_sources"

// Setting gives a setting, "" when it is not set.
func (s *Store) Setting(ctx context.Context, name string) (string, error) {
	v, err := setting(ctx, s.db, name)
	return v, fail("reading setting "+name, deadline(ctx, err))
}

func setting(ctx context.Context, q querier, name string) (value string, err error) {
	err = q.QueryRowContext(ctx, "SELECT value FROM setting WHERE name = $1", name).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return value, err
}

// SetSetting stores a setting, "" takes it away. Nodes see the change.
func (s *Store) SetSetting(ctx context.Context, name, value string) error {
	_, err := s.visible(ctx, "storing setting "+name, func(t *tx) error { return t.setSetting(ctx, name, value) })
	return err
}

// PutNode stores what a node says of itself; Seen is set to the database's now.
func (s *Store) PutNode(ctx context.Context, n Node) error {
	return s.update(ctx, "reporting node "+n.Name, func(t *tx) error {
		_, err := t.ExecContext(ctx, `INSERT INTO node (name, seen, revision, stamp, settings, version) VALUES ($1, `+s.d.now+`, $2, $3, $4, $5)
			ON CONFLICT (name) DO UPDATE SET seen = excluded.seen, revision = excluded.revision, stamp = excluded.stamp,
				settings = excluded.settings, version = excluded.version`,
			text(n.Name), n.Head.Revision, n.Head.Stamp, text(n.Settings), text(n.Version))
		return err
	})
}

// Nodes gives all nodes that ever reported themselves, sorted by name.
func (s *Store) Nodes(ctx context.Context) ([]Node, error) {
	all, err := s.nodes(ctx)
	return all, fail("reading the nodes", deadline(ctx, err))
}

func (s *Store) nodes(ctx context.Context) ([]Node, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT name, seen, revision, stamp, settings, version FROM node ORDER BY name")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Node
	for rows.Next() {
		var n Node
		var seen int64
		if err := rows.Scan(&n.Name, &seen, &n.Head.Revision, &n.Head.Stamp, &n.Settings, &n.Version); err != nil {
			return nil, err
		}
		n.Seen = instant(seen)
		all = append(all, n)
	}
	return all, rows.Err()
}

// ChangeSetting lets change work on a setting, stores what it gives ("" takes the
// setting away), and logs it as what, with what change says of it. Nobody else can
// change settings meanwhile; one that stays as it is is not logged.
func (s *Store) ChangeSetting(ctx context.Context, name, who, what string, change func(before string) (after, detail string, err error)) error {
	_, err := s.visible(ctx, "storing setting "+name, func(t *tx) error {
		before, err := setting(ctx, t, name)
		if err != nil {
			return err
		}
		after, detail, err := change(before)
		if err != nil {
			return err
		}
		if after == before {
			return errNothing
		}
		if err := t.setSetting(ctx, name, after); err != nil {
			return err
		}
		return t.event(ctx, Event{Who: who, What: what, Detail: detail})
	})
	return err
}

func (t *tx) setSetting(ctx context.Context, name, value string) error {
	if value == "" {
		_, err := t.ExecContext(ctx, "DELETE FROM setting WHERE name = $1", name)
		return err
	}
	_, err := t.ExecContext(ctx, `INSERT INTO setting (name, value) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, text(value))
	return err
}
