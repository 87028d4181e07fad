package rsync

import (
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Flags of a file list entry (rsync.h, XMIT_*): one byte in protocol 27; from
// 28 on a second byte follows when flagExtended is set; a varint when the
// compatibility flag compatVarintFlags is set. An entry is:
//
//	flags
//	byte              if flagSameName: how many bytes of the previous name to keep
//	length            of the rest of the name: a byte; if flagLongName varint (int32 before 30)
//	rest of the name
//	varlong(3)        size (longint before 30)
//	varlong(4)        mtime in seconds, unless flagSameTime (int32 before 30)
//	varint            nanoseconds, if flagNanoseconds (from 31)
//	int32             mode, unless flagSameMode
//	varint, bytes     target, of symlinks (int32 before 30)
//
// Owners, devices, hard links, checksums, ACLs and attributes would have
// further fields; they are not asked for.
const (
	flagExtended    = 1 << 2
	flagSameName    = 1 << 5
	flagLongName    = 1 << 6
	flagSameMode    = 1 << 1
	flagSameTime    = 1 << 7
	flagHardLink    = 1 << 9
	flagHardFirst   = 1 << 12
	flagErrorsEnd   = 1 << 12 // alone with flagExtended: end of list, error flags follow
	flagNanoseconds = 1 << 13
)

// Compatibility flags (compat.c, CF_*).
const (
	compatIncremental = 1 << 0
	compatSafeList    = 1 << 3 // error flags may end the list
	compatVarintFlags = 1 << 7
)

// Types in the mode, as on the wire on every system (flist.c, from_wire_mode).
const (
	modeType    = 0o170000
	modeFile    = 0o100000
	modeDir     = 0o040000
	modeSymlink = 0o120000
)

// maxTarget is the longest symlink target believed, in bytes.
const maxTarget = mirror.MaxPath

// flist decodes a file list. After next has returned true, the fields hold an
// entry.
type flist struct {
	w       *wire
	version int
	compat  int32

	// name is what next read last, behind base bytes that stay: the folder that
	// entries are relative to, with a slash.
	name []byte
	base int

	size   int64
	sec    int64 // mtime
	nsec   int32
	mode   uint32
	target []byte

	// errors are the flags at the end of the list.
	errors int32
}

func newFlist(w *wire, version int, compat int32, folder string) *flist {
	f := &flist{w: w, version: version, compat: compat}
	if folder != "" {
		f.name = append(append(f.name, folder...), '/')
	}
	f.base = len(f.name)
	return f
}

// next reads an entry; false at the end of the list or after an error, which
// is then in w.err.
func (f *flist) next() bool {
	flags, more := f.flags()
	if !more || f.w.err != nil {
		f.end()
		return false
	}
	f.readName(flags)
	if f.version >= 30 {
		if flags&(flagHardLink|flagHardFirst) == flagHardLink {
			f.w.fail(protocolError("a hard link, which was not asked for"))
			return false
		}
		f.size = f.w.varlong(3)
	} else {
		f.size = f.w.longint()
	}
	if f.size < 0 {
		f.w.fail(protocolError("a negative size"))
	}
	f.readTime(flags)
	if flags&flagSameMode == 0 {
		f.mode = uint32(f.w.int32())
	}
	f.target = f.target[:0]
	if f.mode&modeType == modeSymlink {
		f.target = f.w.append(f.target, f.length("symlink target", maxTarget))
	}
	return f.w.err == nil
}

// flags reads the flags of the next entry; false at the end of the list.
func (f *flist) flags() (flags int32, more bool) {
	if f.compat&compatVarintFlags != 0 {
		if flags = f.w.varint(); flags == 0 {
			f.errors = f.w.varint()
		}
		return flags, flags != 0
	}
	flags = int32(f.w.byte())
	if flags == 0 {
		return 0, false
	}
	if f.version >= 28 && flags&flagExtended != 0 {
		flags |= int32(f.w.byte()) << 8
	}
	if flags == flagExtended|flagErrorsEnd && f.version >= 30 && f.safe() {
		f.errors = f.w.varint()
		return 0, false
	}
	return flags, true
}

// safe reports whether error flags may come at the end of the list.
func (f *flist) safe() bool { return f.version >= 31 || f.compat&compatSafeList != 0 }

// end reads what follows the list.
func (f *flist) end() {
	if f.version < 30 && f.w.err == nil {
		f.errors = f.w.int32()
	}
}

// readName reads the name, which keeps a part of the one before.
func (f *flist) readName(flags int32) {
	keep := 0
	if flags&flagSameName != 0 {
		keep = int(f.w.byte())
	}
	var n int
	if flags&flagLongName != 0 {
		n = f.length("name", mirror.MaxPath-keep)
	} else {
		n = int(f.w.byte())
	}
	if f.base+keep > len(f.name) {
		f.w.fail(protocolError("a name that keeps %d bytes of one of %d", keep, len(f.name)-f.base))
		return
	}
	f.name = f.w.append(f.name[:f.base+keep], n)
}

func (f *flist) readTime(flags int32) {
	if flags&flagSameTime == 0 {
		if f.version >= 30 {
			f.sec = f.w.varlong(4)
		} else {
			f.sec = int64(f.w.int32())
		}
	}
	f.nsec = 0
	if flags&flagNanoseconds != 0 && f.version >= 31 {
		if f.nsec = f.w.varint(); f.nsec < 0 || f.nsec > 999_999_999 {
			f.w.fail(protocolError("%d nanoseconds", f.nsec))
		}
	}
}

// length reads the length of a string of at most limit bytes.
func (f *flist) length(what string, limit int) int {
	var n int32
	if f.version >= 30 {
		n = f.w.varint()
	} else {
		n = f.w.int32()
	}
	if n < 0 || int(n) > limit {
		f.w.fail(protocolError("a %s of %d bytes", what, n))
		return 0
	}
	return int(n)
}

// isRoot reports whether the entry is the listed folder itself.
func (f *flist) isRoot() bool { return len(f.name) == f.base+1 && f.name[f.base] == '.' }

// perm is the permission bits, with setuid, setgid and sticky, as in stat.
func (f *flist) perm() uint32 { return f.mode & 0o7777 }
