package filecheck

import (
	"errors"
	"os"
	"strings"
	"syscall"
)

// What is heard of every folder and link on the way, and of the last folder.
const (
	ofSelf  = syscall.IN_MOVE_SELF | syscall.IN_DELETE_SELF | syscall.IN_ATTRIB
	ofNames = syscall.IN_MODIFY | syscall.IN_CLOSE_WRITE | syscall.IN_MOVED_FROM | syscall.IN_MOVED_TO | syscall.IN_DELETE
	// Several ways may lead over one inode, and none may take from what another
	// wants to hear of it.
	always = syscall.IN_DONT_FOLLOW | syscall.IN_MASK_ADD
)

// maxLinks as the kernel has it (path_resolution(7)).
const maxLinks = 40

var (
	errMoved   = errors.New("the way to the folder changed")
	errDistant = errors.New("a file system that others may change without this system's knowledge")
)

// step is a path without symbolic links in it, except for its last part, which
// is watched.
type step struct {
	path string
	mask uint32
	wd   int32
}

// walk watches everything on the way to a folder as the kernel would resolve
// it, link by link, and adds it to d.way.
//
// Only what is watched is looked at, and in the end all watches are made a second
// time: if each is the same watch, then every path led to the watched inode at
// that moment, and to make it lead elsewhere that inode must be moved or removed,
// or something mounted over it, which is heard of.
func (c *changes) walk(d *dir, folder string) error {
	return c.withEvents(func(fd int) error {
		way, err := c.watchWay(fd, d, folder)
		if err != nil {
			return err
		}
		for _, s := range way {
			wd, err := syscall.InotifyAddWatch(fd, s.path, s.mask)
			if err != nil {
				return err
			}
			if int32(wd) != s.wd {
				if c.unknown(int32(wd)) {
					_, _ = syscall.InotifyRmWatch(fd, uint32(wd))
				}
				return errMoved
			}
		}
		return nil
	})
}

// watchWay is walk's first half.
func (c *changes) watchWay(fd int, d *dir, folder string) (way []step, err error) {
	at, rest, links := "/", strings.Split(folder, "/"), 0
	if _, err = c.watch(fd, d, &way, at, ofSelf); err != nil {
		return nil, err
	}
	for len(rest) > 0 {
		part := rest[0]
		rest = rest[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			// There are no links in it, and its folders are watched already.
			at = at[:max(strings.LastIndexByte(at, '/'), 1)]
			continue
		}
		path := strings.TrimSuffix(at, "/") + "/" + part
		n, err := c.watch(fd, d, &way, path, ofSelf)
		if err != nil {
			return nil, err
		}
		target, err := os.Readlink(path)
		switch {
		case err == nil:
			if links++; links > maxLinks {
				return nil, syscall.ELOOP
			}
			if strings.HasPrefix(target, "/") {
				at = "/"
			}
			rest = append(strings.Split(target, "/"), rest...)
			continue
		case !errors.Is(err, syscall.EINVAL): // EINVAL: it is no link
			return nil, err
		}
		at = path
		if err := c.mustBe(n, at, distant); err != nil {
			return nil, err
		}
	}
	n, err := c.watch(fd, d, &way, at, ofSelf|ofNames)
	if err != nil {
		return nil, err
	}
	return way, c.mustBe(n, at, layered)
}

// watch adds the watch of a path to a way.
func (c *changes) watch(fd int, d *dir, way *[]step, path string, mask uint32) (*node, error) {
	wd, err := syscall.InotifyAddWatch(fd, path, mask|always)
	if err != nil {
		return nil, err
	}
	*way = append(*way, step{path: path, mask: mask | always, wd: int32(wd)})
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.events == nil {
		return nil, errClosed
	}
	n := c.nodes[int32(wd)]
	if n == nil {
		n = &node{wd: int32(wd)}
		c.nodes[n.wd] = n
		watches.Add(1)
	}
	n.refs++
	d.way = append(d.way, n)
	return n, nil
}

// unknown reports whether nothing is known of a watch.
func (c *changes) unknown(wd int32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nodes[wd] == nil
}

// mustBe fails when a folder's file system is not better than what is given.
func (c *changes) mustBe(n *node, path string, than locality) error {
	c.mu.Lock()
	is := n.local
	c.mu.Unlock()
	if is == unasked {
		var err error
		if is, err = localityOf(path); err != nil {
			return err
		}
		c.mu.Lock()
		n.local = is
		c.mu.Unlock()
	}
	if is <= than {
		return errDistant
	}
	return nil
}
