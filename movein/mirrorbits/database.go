// Package mirrorbits reads the Redis database of a Mirrorbits: 0.4 to 0.6,
// versions 1 and 2 of its layout.
package mirrorbits

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/movein"
)

// The layout: versions as in the key MIRRORBITS_DB_VERSION. Before 1, mirrors
// had no numbers.
const (
	oldestLayout = 1
	newestLayout = 2
)

// Database is a connection to a Mirrorbits' Redis. It only reads.
type Database struct {
	c    *redis.Client
	name string // URL without password
}

// Open connects to the Redis at redisURL: redis://user:password@host:port/db,
// rediss:// with TLS, or unix:///path?db=n.
func Open(ctx context.Context, redisURL string) (*Database, error) {
	d := &Database{name: movein.RedactURL(redisURL)}
	o, err := redis.ParseURL(redisURL)
	if err != nil {
		return nil, fmt.Errorf("database of Mirrorbits %s: the URL cannot be read: write redis://:PASSWORD@HOST:6379/0, rediss:// or unix:///path", d.name)
	}
	logging.Disable() // it would write to standard error; errors are returned too
	o.ClientName = "mbctl-import"
	o.DialTimeout, o.ReadTimeout, o.MaxRetries = 10*time.Second, 30*time.Second, 1
	o.DisableIdentity = true
	d.c = redis.NewClient(o)
	if err := d.c.Ping(ctx).Err(); err != nil {
		d.Close()
		return nil, d.fail("cannot be reached", err)
	}
	return d, nil
}

// Name is the database's URL without its password.
func (d *Database) Name() string { return d.name }

// Close ends the connection.
func (d *Database) Close() { _ = d.c.Close() } // nothing was written

func (d *Database) fail(doing string, err error) error {
	if errors.Is(err, io.EOF) {
		err = errors.New("it hung up")
	}
	return fmt.Errorf("database of Mirrorbits %s: %s: %w", d.name, doing, err)
}

// Inventory reads the mirrors.
func (d *Database) Inventory(ctx context.Context) (*movein.Inventory, error) {
	inv := &movein.Inventory{System: "mirrorbits", Title: "Mirrorbits", Law: Law{}}
	layout, err := d.layout(ctx)
	if err != nil {
		return nil, err
	}
	if layout > newestLayout {
		inv.Left = append(inv.Left, fmt.Sprintf("what is new in version %d of Mirrorbits' database: %d is known here", layout, newestLayout))
	}
	names, err := d.c.HGetAll(ctx, "MIRRORS").Result()
	if err != nil {
		return nil, d.fail("reading the names of the mirrors", err)
	}
	var valid movein.Names
	for _, id := range slices.SortedFunc(maps.Keys(names), byNumber) {
		fields, err := d.c.HGetAll(ctx, "MIRROR_"+id).Result()
		if err != nil {
			return nil, d.fail("reading mirror "+movein.Text(names[id]), err)
		}
		if len(fields) > 0 {
			inv.Records = append(inv.Records, record(names[id], fields, &valid))
		}
	}
	for i := range inv.Records {
		if inv.Records[i].Score != 0 {
			inv.Left = append(inv.Left, scoreNote)
			break
		}
	}
	inv.Left = append(inv.Left,
		"who has which file: that is only ever found by scanning (mbctl scan --all)",
		"statistics and the log of each mirror, which stay in Redis",
		"Mirrorbits' configuration file: see docs/migrating.md")
	return inv, nil
}

func byNumber(a, b string) int {
	x, _ := strconv.Atoi(a) // what is no number is equal to 0
	y, _ := strconv.Atoi(b)
	if x != y {
		return x - y
	}
	return strings.Compare(a, b)
}

func (d *Database) layout(ctx context.Context) (int, error) {
	raw, err := d.c.Get(ctx, "MIRRORBITS_DB_VERSION").Result()
	switch {
	case errors.Is(err, redis.Nil):
		n, err := d.c.Exists(ctx, "MIRRORS").Result()
		if err != nil {
			return 0, d.fail("looking for its version", err)
		}
		if n == 0 {
			return 0, fmt.Errorf("database of Mirrorbits %s: has no key MIRRORS: is it the right database number?", d.name)
		}
	case err != nil:
		return 0, d.fail("looking for its version", err)
	}
	layout, err := strconv.Atoi(raw)
	if err != nil || layout < oldestLayout {
		return 0, fmt.Errorf("database of Mirrorbits %s: is of a version before %d; a newer Mirrorbits brings it up to date when it starts", d.name, oldestLayout)
	}
	return layout, nil
}
