package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/note"
)

const notifyKeyEnv = "MIRRORBRAIN_NOTIFY_KEY"

// notifyFlags are the flags of `notify`.
type notifyFlags struct {
	mirror, keyFile, keyFor, timeout string
	wait                             bool
}

func newNotifyCommand(a *app) *cobra.Command {
	var f notifyFlags
	cmd := &cobra.Command{
		Use:   "notify URL [PATH...]",
		Short: "Tell a redirector that a mirror has synced, or that paths have changed",
		Long: `Sends a signed note to the mirrorbrain_hooks of a redirector. With --mirror it
says that this mirror has synced, which brings a scan of it forward; without,
that paths of the tree have changed, which brings an index run forward. Without
a PATH it is about the whole tree. A PATH that ends in a slash is a folder; of
everything else the folder that it is in is looked at.

It needs no database and no configuration, so it runs on mirrors and on build
hosts. The key is the first line of --key-file, or ` + notifyKeyEnv + `: a token
of the Caddyfile, or for mirrors the key that --key-for derives from one. A
mirror's key can only send notes of this mirror.

Exit codes: 0 done; 1 the note was not taken; 2 usage; 3 taken, but not done
within --timeout; 4 the redirector's database is unreachable.`,
		Example: `  mbctl notify https://dl.example.org/hooks --mirror example --key-file /etc/mirrorbrain/notify.key
  mbctl notify https://dl.example.org/hooks releases/2.1/ --key-file token --wait
  mbctl notify --key-for example --key-file token    # the key to give to the mirror's operator`,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case f.keyFor != "" && len(args) > 0:
				return usagef("notify: --key-for only prints a key, and takes no URL")
			case f.keyFor == "" && len(args) == 0:
				return usagef("notify: to which URL? It is the path of mirrorbrain_hooks, as https://dl.example.org/hooks")
			}
			return nil
		},
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.keyFor != "" {
				return a.printKey(f)
			}
			return a.runNotify(cmd.Context(), args[0], args[1:], f)
		},
	}
	fs := cmd.Flags()
	fs.StringVarP(&f.mirror, "mirror", "m", "", "the mirror `NAME` that has synced")
	fs.StringVar(&f.keyFile, "key-file", "", "`FILE` whose first line is the key (env "+notifyKeyEnv+": the key itself)")
	fs.StringVar(&f.keyFor, "key-for", "", "print the key of this mirror `NAME`, made from the token in --key-file")
	fs.BoolVarP(&f.wait, "wait", "w", false, "until the scan or index run is done")
	fs.StringVar(&f.timeout, "timeout", "", "wait for this `LONG` at most (default 1h)")
	return cmd
}

// secretFrom reads a key from the first line of a file, or from the environment.
func secretFrom(file, env string) (string, error) {
	if file == "" {
		if key := strings.TrimSpace(os.Getenv(env)); key != "" {
			return key, nil
		}
		return "", usagef("a key is needed: name its file with --key-file, or set %s", env)
	}
	const longest = 64 << 10
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("reading the key: %w", err)
	}
	line, _, _ := strings.Cut(string(b[:min(len(b), longest)]), "\n")
	if line = strings.TrimSpace(line); line == "" {
		return "", fmt.Errorf("%s: has no key in its first line", file)
	}
	return line, nil
}

func (a *app) printKey(f notifyFlags) error {
	if err := mirror.ValidName(f.keyFor); err != nil {
		return usagef("--key-for: %w", err)
	}
	token, err := secretFrom(f.keyFile, notifyKeyEnv)
	if err != nil {
		return err
	}
	key := note.MirrorKey(token, f.keyFor)
	if a.json {
		return a.printJSON(map[string]string{"mirror": f.keyFor, "key": key})
	}
	fmt.Fprintln(a.out, key)
	return nil
}

// notifyDoc is the JSON form of what became of a note.
type notifyDoc struct {
	ID    string `json:"id"`
	State string `json:"state"`
}

func (a *app) runNotify(ctx context.Context, target string, paths []string, f notifyFlags) error {
	c, n, err := a.noteFor(target, paths, f)
	if err != nil {
		return err
	}
	limit := time.Hour
	if f.timeout != "" {
		if limit, err = parseDuration(f.timeout); err != nil {
			return usagef("--timeout: %w", err)
		}
	}
	errTooLong := fmt.Errorf("not done after %v; it is still on the list of what is to be done", limit)
	waiting, cancel := context.WithTimeoutCause(ctx, limit, errTooLong)
	defer cancel()
	answer, err := c.Send(waiting, n)
	if err != nil {
		return notifyError(target, err)
	}
	if f.wait && answer.State != note.Done {
		if !a.quiet && !a.json {
			fmt.Fprintf(a.err, "taken as %s, waiting until it is done\n", printable(answer.ID))
		}
		err := c.Wait(waiting, answer.ID, 2*time.Second)
		switch {
		case errors.Is(err, errTooLong):
			return &codedError{exitSomeFailed, fmt.Errorf("note %s: %w (does 'mbctl daemon' run there?)", answer.ID, err)}
		case err != nil:
			return notifyError(target, err)
		}
		answer.State = note.Done
	}
	if a.json {
		return a.printJSON(notifyDoc(answer))
	}
	if answer.State == note.Done {
		a.say("done")
	} else {
		a.say("taken as %s", printable(answer.ID))
	}
	return nil
}

// noteFor checks what was given.
func (a *app) noteFor(target string, paths []string, f notifyFlags) (*note.Client, note.Note, error) {
	n := note.Note{Mirror: f.mirror}
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, n, usagef("URL %q: must be one like https://dl.example.org/hooks", mirror.Redact(target))
	}
	if f.mirror != "" {
		if err := mirror.ValidName(f.mirror); err != nil {
			return nil, n, usagef("--mirror: %w", err)
		}
	}
	for _, p := range paths {
		if _, err := mirror.CleanSubtree(p); err != nil {
			return nil, n, usagef("%w", err)
		}
		speakable := note.Speakable(p)
		if speakable == "" && p != "" {
			speakable = "/"
		}
		n.Paths = append(n.Paths, speakable)
	}
	key, err := secretFrom(f.keyFile, notifyKeyEnv)
	return &note.Client{URL: target, Key: key}, n, err
}

func notifyError(target string, err error) error {
	code := exitError
	if e, ok := errors.AsType[*note.StatusError](err); ok && e.Status == http.StatusServiceUnavailable {
		code = exitUnreachable
	}
	if ue, ok := errors.AsType[*url.Error](err); ok { // it repeats the URL, and with it a password
		err = ue.Err
	}
	return &codedError{code, fmt.Errorf("%s: %w", mirror.Redact(target), err)}
}
