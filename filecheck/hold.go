package filecheck

import (
	"sync/atomic"
	"time"
)

const (
	// minHold is the least MaxAge with which answers are held: news of a change
	// takes some 20 ms, and who wants answers that are younger than a tenth of a
	// second should get them from the disk.
	minHold = 100 * time.Millisecond
	// maxHold bounds the age of an answer although no change was heard of, for
	// those that are not told of: a file that is written through a memory map or by
	// asynchronous I/O is news when it is unmapped or closed, not before; and one
	// that got another name (a hard link) after the answer may be written by that
	// name, in a folder that nobody listens to. It also makes each file of a large
	// tree cost a call that often, so it is not shorter.
	maxHold = 5 * time.Minute
)

// hold is what makes an answer valid for longer than MaxAge: two counters that
// the news of a change would raise, and what they were before the file was
// looked at. The zero value holds nothing.
type hold struct {
	way, name     *atomic.Uint32 // of what leads to the folder, of names in it
	wayAt, nameAt uint32
}

// good reports whether nothing was heard of since.
func (h *hold) good() bool {
	return h.way != nil && h.way.Load() == h.wayAt && h.name.Load() == h.nameAt
}
