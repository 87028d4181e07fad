package geofetch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/geoip"
)

// Options of Update.
type Options struct {
	Source Source
	Path   string     // of the database; a link stays one
	Kinds  geoip.Kind // what it must do for
	// Force gets it even if it is the one that is there, and takes one that was
	// built earlier.
	Force bool
	// Client does the requests; nil: one with timeouts of its own.
	Client *http.Client
}

// Result says what Update did.
type Result struct {
	Changed bool
	Info    geoip.Info // of what is there now
	URL     string     // where the database came from, without secrets; "" nothing came
	Note    string     // why nothing was changed
}

// The longest that anything may take.
const (
	wholeTimeout  = 30 * time.Minute
	silentTimeout = time.Minute
)

// Update puts the source's database in the place of the one at Path, if it is
// another. It is put there only when it was read to its end, opens, and answers
// as Kinds want; whatever goes wrong, the old one stays.
func Update(ctx context.Context, o Options) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, wholeTimeout)
	defer cancel()
	path, err := filepath.EvalSymlinks(o.Path)
	if errors.Is(err, fs.ErrNotExist) {
		path, err = o.Path, nil
	}
	if err != nil {
		return Result{}, err
	}
	u := update{o: o, path: path, client: cmp.Or(o.Client, newClient())}
	u.old, u.oldErr = geoip.Inspect(path, o.Kinds)
	return u.run(ctx)
}

type update struct {
	o      Options
	path   string
	client *http.Client
	old    geoip.Info
	oldErr error // why the database that is there is of no use
}

func (u *update) run(ctx context.Context) (Result, error) {
	tmp, err := os.CreateTemp(filepath.Dir(u.path), ".geoip-*")
	if err != nil {
		return Result{}, err
	}
	defer os.Remove(tmp.Name()) // of no use where it got its name
	defer tmp.Close()
	var got *answer
	for _, url := range u.o.Source.urls {
		if got, err = u.fetch(ctx, url, tmp); !errors.Is(err, errMissing) {
			break
		}
	}
	switch {
	case errors.Is(err, errSame):
		return Result{Info: u.old, Note: "not changed"}, nil
	case err != nil:
		return Result{}, fmt.Errorf("%s: %w", u.o.Source, err)
	}
	return u.install(tmp, got)
}

// install checks what came and gives it the name.
func (u *update) install(tmp *os.File, got *answer) (Result, error) {
	info, err := geoip.Inspect(tmp.Name(), u.o.Kinds)
	if err != nil {
		return Result{}, fmt.Errorf("what %s sent is of no use, the old one stays: %w", withoutSecrets(got.url), err)
	}
	if !u.o.Force && u.oldErr == nil && info.Type == u.old.Type && info.Built.Before(u.old.Built) {
		return Result{Info: u.old, Note: "an older one was offered"}, nil
	}
	if err := u.dress(tmp); err != nil {
		return Result{}, err
	}
	if err := errors.Join(tmp.Sync(), tmp.Close()); err != nil {
		return Result{}, err
	}
	if err := os.Rename(tmp.Name(), u.path); err != nil {
		return Result{}, err
	}
	info.Path = u.path
	// Without it the next run gets the database once more, no worse.
	_ = got.remember(u.path)
	return Result{Changed: true, Info: info, URL: withoutSecrets(got.url)}, nil
}

// dress gives the new file the mode of the old one, and its owner if that is in
// our power.
func (u *update) dress(f *os.File) error {
	mode := fs.FileMode(0o644)
	if st, err := os.Stat(u.path); err == nil {
		mode = st.Mode().Perm()
		keepOwner(f, st)
	}
	return f.Chmod(mode) // after the owner, who may change the mode
}
