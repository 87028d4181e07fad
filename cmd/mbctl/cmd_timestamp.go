package main

import (
	"context"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// timestampOptions are the flags of `timestamp`.
type timestampOptions struct {
	user, group string
	noRoot      bool
}

func newTimestampCommand(a *app) *cobra.Command {
	var o timestampOptions
	cmd := &cobra.Command{
		Use:   "timestamp FILE...",
		Short: "Write the time into files that tell how old mirrors' copies are",
		Long: `Writes the time into files: seconds since 1970, and the same in UTC for people.
Mirrors copy them, so that their copies tell how old they are (mirmon reads them,
too). Names are below the root of the instance's tree, or with --no-root as the
shell has them.

Files are replaced at once, with mode 0644; those whose names end in "invisible"
with mode 0640: a mirror that shows such a file would show content that is staged
for a release as well.`,
		Example: `  mbctl timestamp .timestamp .timestamp_invisible
  mbctl timestamp --no-root /srv/pub/.timestamp -u mirror -g mirror`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runTimestamp(cmd.Context(), args, o, time.Now())
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.user, "user", "u", "", "`USER` that the files are to belong to")
	f.StringVarP(&o.group, "group", "g", "", "`GROUP` that the files are to belong to")
	f.BoolVar(&o.noRoot, "no-root", false, "names are not below the root of the tree")
	return cmd
}

func (a *app) runTimestamp(ctx context.Context, names []string, o timestampOptions, now time.Time) error {
	uid, gid, err := o.owner()
	if err != nil {
		return usagef("%w", err)
	}
	files := names
	if !o.noRoot {
		if files, err = a.belowRoot(ctx, names); err != nil {
			return err
		}
	}
	text := fmt.Sprintf("%d\n%s\n", now.Unix(), now.UTC().Format("Mon Jan _2 15:04:05 UTC 2006"))
	for _, file := range files {
		mode := publicMode
		if strings.HasSuffix(file, "invisible") {
			mode = 0o640
		}
		if fi, err := os.Stat(file); err == nil && !fi.Mode().IsRegular() {
			return fmt.Errorf("%s is no file", file)
		}
		if err := replaceFile(file, []byte(text), dressed(mode, uid, gid)); err != nil {
			return fmt.Errorf("writing %s: %w", file, err)
		}
		a.say("%s", printable(file))
	}
	if a.json {
		return a.printJSON(map[string]any{"files": files, "time": now.Unix()})
	}
	return nil
}

// dressed gives a file its mode and owner; -1 leaves that.
func dressed(mode fs.FileMode, uid, gid int) func(*os.File) error {
	return func(f *os.File) error {
		if uid >= 0 || gid >= 0 {
			if err := f.Chown(uid, gid); err != nil {
				return err
			}
		}
		return f.Chmod(mode) // after the owner, who may change the mode
	}
}

// owner looks up user and group, by name or number.
func (o *timestampOptions) owner() (uid, gid int, err error) {
	uid, gid = -1, -1
	if o.user != "" {
		u, err := user.Lookup(o.user)
		if err != nil {
			if u, err = user.LookupId(o.user); err != nil {
				return 0, 0, fmt.Errorf("--user: there is no user %q", o.user)
			}
		}
		if uid, err = strconv.Atoi(u.Uid); err != nil {
			return 0, 0, fmt.Errorf("--user %s: %w", o.user, err)
		}
	}
	if o.group != "" {
		g, err := user.LookupGroup(o.group)
		if err != nil {
			if g, err = user.LookupGroupId(o.group); err != nil {
				return 0, 0, fmt.Errorf("--group: there is no group %q", o.group)
			}
		}
		if gid, err = strconv.Atoi(g.Gid); err != nil {
			return 0, 0, fmt.Errorf("--group %s: %w", o.group, err)
		}
	}
	return uid, gid, nil
}

// treeRoot is the top folder of the tree: the one that is configured, or else
// the one that was indexed.
func (a *app) treeRoot(ctx context.Context) (string, error) {
	conf, err := a.config()
	if err != nil {
		return "", err
	}
	root := conf.Root
	if root == "" {
		db, err := a.store(ctx)
		if err != nil {
			return "", err
		}
		origin, err := db.Origin(ctx)
		if err != nil {
			return "", err
		}
		if u, err := url.Parse(origin.URL); err == nil && u.Scheme == "file" {
			root = u.Path
		}
	}
	if !filepath.IsAbs(root) {
		return "", usagef("timestamp: no local root of the tree is known (root in %s): give --no-root, and whole names", a.configFile())
	}
	return filepath.Clean(root), nil
}

// belowRoot gives the names below the root of the tree. None may lead out.
func (a *app) belowRoot(ctx context.Context, names []string) (files []string, err error) {
	root, err := a.treeRoot(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		local := strings.TrimLeft(name, "/")
		if rest, found := strings.CutPrefix(name, strings.TrimRight(root, "/")+"/"); found {
			local = rest
		}
		if !filepath.IsLocal(local) {
			return nil, usagef("timestamp: %q is not below %s", name, root)
		}
		files = append(files, filepath.Join(root, local))
	}
	return files, nil
}
