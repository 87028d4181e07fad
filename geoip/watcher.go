package geoip

import (
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// How a change is noticed. Tests shorten nothing here: they wait.
const (
	settleTime = 250 * time.Millisecond // silence after which a write is taken as finished
	settleMax  = 5 * time.Second        // but in a folder that is never silent, look after this
	pollTime   = time.Minute            // for what the kernel does not tell: links into other folders, network disks
)

// watcher tells a file when to look at its path again. It watches the folder,
// because most programs replace the file, and a watch on the file itself ends
// with it.
type watcher struct {
	file   *file
	folder string
	notify *fsnotify.Watcher // nil: only polling
	watch  bool              // whether folder is being watched

	settle *time.Timer // runs while changes are settling
	first  time.Time   // of the changes that are settling; zero: none
}

func newWatcher(f *file) *watcher {
	w := &watcher{file: f, folder: filepath.Dir(f.path), settle: time.NewTimer(time.Hour)}
	w.settle.Stop()
	n, err := fsnotify.NewWatcher()
	if err != nil {
		f.log.Warn("changes of the database are noticed only once a minute", "error", err)
		return w
	}
	w.notify = n
	w.add()
	return w
}

func (w *watcher) run(quit <-chan struct{}) {
	var events chan fsnotify.Event
	var errs chan error
	if w.notify != nil {
		defer w.notify.Close()
		events, errs = w.notify.Events, w.notify.Errors
	}
	poll := time.NewTicker(pollTime)
	defer poll.Stop()
	defer w.settle.Stop()
	for {
		select {
		case <-quit:
			return
		case e := <-events:
			w.event(e)
		case err := <-errs:
			// An overflow of the kernel's queue: something may have been missed.
			w.file.log.Debug("watching the database", "error", err)
			w.touch()
		case <-w.settle.C:
			w.look()
		case <-poll.C:
			w.add()
			w.look()
		}
	}
}

// event takes any change in the folder as a reason to look: the path may be a
// link, and what changed may be what it leads through.
func (w *watcher) event(e fsnotify.Event) {
	if e.Name == w.folder && e.Has(fsnotify.Remove|fsnotify.Rename) {
		w.watch = false
	}
	if e.Name == w.file.path && !e.Has(fsnotify.Chmod) {
		// Its time and size may be those of before: cp -p of a corrected file.
		w.file.tried = nil
	}
	if e.Op != fsnotify.Chmod {
		w.touch()
	}
}

// touch puts the look off until the folder has been silent for settleTime, but
// not for ever.
func (w *watcher) touch() {
	now := time.Now()
	if w.first.IsZero() {
		w.first = now
	}
	w.settle.Reset(max(0, min(settleTime, settleMax-now.Sub(w.first))))
}

func (w *watcher) look() {
	w.first = time.Time{}
	if w.file.refresh() {
		w.touch()
	}
}

// add watches the folder, again if it was removed meanwhile.
func (w *watcher) add() {
	if w.notify == nil || w.watch {
		return
	}
	if err := w.notify.Add(w.folder); err != nil {
		w.file.log.Debug("watching the database's folder", "error", err)
		return
	}
	w.watch = true
}
