package ftp

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/frontier"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

const (
	// attempts is how often a folder is tried when connections break.
	attempts = 3
	// maxReconnects bounds the connections of one listing.
	maxReconnects = 50
	// maxSeen bounds what is remembered of one folder to hand on nothing twice.
	maxSeen = 1 << 20
)

// retryPause is the wait before the second try; the third waits twice as long.
var retryPause = 500 * time.Millisecond

// command is how folders are listed.
type command uint8

const (
	undecided command = iota
	mlsd
	listAll   // LIST -a: hidden files too; "." is listed, so that an empty answer is seen as a failure
	listPlain // LIST
)

// walk is one run of List.
type walk struct {
	l       *Lister
	top     string
	yield   func(listing.Entry) error
	waiting *frontier.Frontier
	now     time.Time
	sum     listing.Summary

	c          *conn // nil: not connected
	connected  int
	command    command
	dots       bool // folders list themselves as "."
	everListed bool
}

var seed = maphash.MakeSeed()

func (w *walk) run(ctx context.Context) error {
	for folder := w.waiting.Next(); folder != nil; folder = w.waiting.Next() {
		v := &visit{w: w, folder: folder, seen: map[uint64]struct{}{}}
		err := w.list(ctx, v)
		w.sum.Entries += v.entries
		w.sum.Refused += v.refused
		if err != nil {
			if err := w.failed(ctx, folder, err); err != nil {
				return err
			}
			continue
		}
		w.everListed = true
		w.done(v)
	}
	return nil
}

// done takes in what came of a folder.
func (w *walk) done(v *visit) {
	if v.odd > 0 {
		w.sum.AddIncomplete(fmt.Sprintf("folder %q: %d lines not understood, the first: %.100q", v.folder.Path, v.odd, v.oddLine))
	}
	if v.cut != "" {
		w.sum.AddIncomplete(fmt.Sprintf("folder %q: the server says %q", v.folder.Path, v.cut))
	}
	if v.dropped {
		w.sum.AddIncomplete(fmt.Sprintf("folder %q: too many folders", v.folder.Path))
	}
	if v.folder.Loops(v.print) {
		if !v.dated {
			w.sum.AddIncomplete(fmt.Sprintf("folder %q: seems to be a folder above it again", v.folder.Path))
		}
		w.l.opts.Log(fmt.Sprintf("folder %q shows a folder above it again; not descending", v.folder.Path))
		return
	}
	for _, name := range v.folders {
		if err := w.waiting.Add(v.folder, name); err != nil {
			w.sum.AddIncomplete(err.Error())
		}
	}
}

// failed decides whether a folder that could not be listed ends the walk.
func (w *walk) failed(ctx context.Context, folder *frontier.Folder, err error) error {
	if _, stop := errors.AsType[stopError](err); stop || ctx.Err() != nil || !w.everListed {
		return err
	}
	_, answered := errors.AsType[*replyError](err)
	answered = answered && !errors.Is(err, listing.ErrBusy) && !errors.Is(err, listing.ErrAuth) || errors.Is(err, errUnsendable) || errors.Is(err, errUnreadable)
	if !answered {
		// The connection could not be had back in several tries.
		return err
	}
	w.sum.AddIncomplete(fmt.Sprintf("folder %q: %v", folder.Path, err))
	return nil
}

// list lists a folder, again when the connection breaks.
func (w *walk) list(ctx context.Context, v *visit) error {
	var err error
	for try := range attempts {
		if try > 0 {
			if waitErr := sleep(ctx, time.Duration(try)*retryPause); waitErr != nil {
				return waitErr
			}
		}
		if err = w.connect(ctx); err == nil {
			err = w.once(ctx, v)
		}
		if err == nil || ctx.Err() != nil || !w.again(err) {
			return err
		}
	}
	return err
}

// again reports whether trying once more may help, and drops a connection that
// is not to be used any more.
func (w *walk) again(err error) bool {
	re, refused := errors.AsType[*replyError](err)
	_, stop := errors.AsType[stopError](err)
	switch {
	case stop, errors.Is(err, errUnsendable), errors.Is(err, errUnreadable):
		return false
	case refused && (re.code == 425 || re.code == 426 || re.code == 450 || re.code == 451):
		return true
	case refused && re.code != 421:
		return false
	}
	if w.c != nil {
		w.c.shut()
		w.c = nil
	}
	// Before the first folder, a server that is full or not there is left alone.
	return w.everListed
}

func (w *walk) connect(ctx context.Context) error {
	if w.c != nil {
		return nil
	}
	if w.connected > maxReconnects {
		return fmt.Errorf("connection lost %d times", maxReconnects)
	}
	w.connected++
	c, err := w.l.dial(ctx)
	if err != nil {
		return err
	}
	w.c = c
	if w.command == undecided {
		if _, ok := c.feats["MLST"]; ok { // announces MLSD as well
			w.command = mlsd
		}
	}
	return nil
}

// once changes into the folder and lists it, so that names never are arguments
// of LIST, where servers take them for options and patterns.
func (w *walk) once(ctx context.Context, v *visit) error {
	if err := w.c.want(250, "CWD", w.l.folder(w.c.home, v.folder.Path)); err != nil {
		return w.missing(v.folder, err)
	}
	if w.command == mlsd {
		if done, err := w.machine(ctx, v); done {
			return err
		}
		w.command = undecided
	}
	if w.command == undecided {
		return w.decide(ctx, v)
	}
	name := []string{"-a"}
	if w.command == listPlain {
		name = nil
	}
	text, err := w.c.lines(ctx, v.line, "LIST", name...)
	if err != nil {
		return err
	}
	return v.believe(text)
}

// machine lists by MLSD; done is false when the server announced it, but does
// not know it, or answers in the form of LIST.
func (w *walk) machine(ctx context.Context, v *visit) (done bool, err error) {
	text, err := w.c.lines(ctx, v.line, "MLSD")
	if re, ok := errors.AsType[*replyError](err); ok {
		return re.code != 500 && re.code != 502 && re.code != 504, err
	}
	if err == nil && v.odd > 0 && v.count == 0 {
		v.odd, v.oddLine = 0, ""
		return false, nil
	}
	if err == nil {
		w.dots = w.dots || v.self
		err = v.believe(text)
	}
	return true, err
}

// decide finds out whether LIST -a shows hidden files, or is not understood.
func (w *walk) decide(ctx context.Context, v *visit) error {
	text, err := w.c.lines(ctx, v.line, "LIST", "-a")
	if _, refused := errors.AsType[*replyError](err); err != nil && !refused {
		return err
	}
	if err == nil && (v.self || v.count > 0) {
		w.command, w.dots = listAll, v.self
		return v.believe(text)
	}
	text, err = w.c.lines(ctx, v.line, "LIST")
	if err != nil {
		return err
	}
	w.command = listPlain
	return v.believe(text)
}

// missing tells the folder that was asked for not being there from others.
func (w *walk) missing(folder *frontier.Folder, err error) error {
	if re, ok := errors.AsType[*replyError](err); ok && folder.Path == w.top && re.code/100 == 5 && re.code != 530 {
		return fmt.Errorf("%w: %w", listing.ErrNoFolder, err)
	}
	return err
}

// errUnreadable is a folder that the server shows empty because it may not read it.
var errUnreadable = errors.New("the server could not read the folder")

// visit is the listing of one folder, over all tries.
type visit struct {
	w       *walk
	folder  *frontier.Folder
	seen    map[uint64]struct{} // hashes of the names handed on
	folders []string
	entries int
	refused int
	count   int  // lines that are entries
	self    bool // "." was among them
	odd     int  // lines not understood
	oddLine string
	dropped bool
	cut     string // what the server says of having left something out
	print   uint64 // hash of all that was listed, in any order
	dated   bool
}

// believe checks an answer that looks fine: vsftpd says 226 and lists nothing
// when it may not open a folder.
func (v *visit) believe(text string) error {
	said := text
	text = strings.ToLower(text)
	if strings.Contains(text, "truncated") {
		v.cut = said // pure-ftpd: "Output truncated to 10000 matches", its default
	}
	if v.count > 0 || v.self {
		return nil
	}
	for _, s := range []string{"fail", "denied", "cannot", "unable", "error"} {
		if strings.Contains(text, s) {
			return fmt.Errorf("%w: %q", errUnreadable, text)
		}
	}
	if v.w.command != listPlain && v.w.dots {
		return errUnreadable
	}
	return nil
}

// line takes in a line of a listing.
func (v *visit) line(line string) error {
	var e listing.Entry
	var err error
	if v.w.command == mlsd {
		e, err = parseMLSD(line)
	} else {
		e, err = parseList(line, v.w.now)
	}
	switch {
	case errors.Is(err, errNoEntry):
		v.self = v.self || e.Path == "."
		return nil
	case err != nil:
		if v.odd == 0 {
			v.oddLine = line
		}
		v.odd++
		return nil
	}
	return v.entry(e)
}

func (v *visit) entry(e listing.Entry) error {
	v.count++
	name := e.Path
	id := maphash.String(seed, name)
	if _, twice := v.seen[id]; twice {
		return nil
	}
	if len(v.seen) < maxSeen {
		v.seen[id] = struct{}{}
	}
	v.print += maphash.Comparable(seed, e)
	v.dated = v.dated || e.Precision > 0
	if v.folder.Path != "" {
		e.Path = v.folder.Path + "/" + name
	}
	if valid := mirror.ValidPath(e.Path) == nil; !valid || strings.IndexByte(name, '/') >= 0 {
		v.refused++
		return nil
	}
	if v.w.l.opts.Skip(e.Path, e.Kind == listing.Dir) {
		return nil
	}
	if e.Kind == listing.Dir {
		if len(v.folders) < frontier.MaxWaiting {
			v.folders = append(v.folders, name)
		} else {
			v.dropped = true
		}
	}
	v.entries++
	return v.w.yield(e)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
