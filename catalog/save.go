package catalog

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// meta is the first block of a catalog file.
type meta struct {
	Key      []byte            `json:"key"`
	Head     Head              `json:"head"`
	History  []Head            `json:"history,omitempty"`
	Since    int64             `json:"since"` // ns since the epoch
	Settings map[string]string `json:"settings,omitempty"`
	Mirrors  int               `json:"mirrors"`
	Aliases  int               `json:"aliases"`
	Files    int               `json:"files"`
	FileBits uint8             `json:"file_bits"`
	Sums     int               `json:"sums"`
	SumBits  uint8             `json:"sum_bits"`
}

const (
	fileLen = 8 + 8 + 8 + 4 + 1 // a file's entry on disk
	sumLen  = 8 + 32

	tmpSuffix    = ".tmp"
	goodBlock    = 1 << 20 // a block is ended when it is this long
	aliasesBlock = 4096    // aliases in a block
)

// Save writes the catalog to a file: to a temporary one beside it, which is
// renamed when it is safely on disk. The catalog may change meanwhile.
func (c *Catalog) Save(path string) error {
	v := c.View()
	_, err := saveView(path, v, c.since.Load())
	return err
}

// saveView writes v and gives the file's size in bytes.
func saveView(path string, v *View, since int64) (size int64, err error) {
	if !v.ready {
		return 0, errors.New("saving the catalog: it is empty")
	}
	return replaceFile(path, func(w io.Writer) error { return v.write(w, since) })
}

// replaceFile writes a file atomically: readers find the old one or the new
// one, also after a crash.
func replaceFile(path string, write func(io.Writer) error) (size int64, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+tmpSuffix+"*")
	if err != nil {
		return 0, fmt.Errorf("saving the catalog: %w", err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("saving the catalog to %s: %w", path, err)
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if err := write(f); err != nil {
		return 0, err
	}
	if err := f.Sync(); err != nil {
		return 0, err
	}
	if size, err = f.Seek(0, io.SeekCurrent); err != nil {
		return 0, err
	}
	if err := f.Close(); err != nil {
		return 0, err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return 0, err
	}
	return size, syncDir(filepath.Dir(path))
}

// syncDir makes a rename last.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

func (v *View) write(w io.Writer, since int64) error {
	b := newBlockWriter(w, magicCatalog)
	m := meta{
		Key: v.hash.key[:], Head: v.head, History: v.history, Since: since, Settings: v.settings,
		Mirrors: len(v.world.Mirrors), Files: v.files.n, FileBits: v.files.bits, Sums: v.sums.n, SumBits: v.sums.bits,
	}
	if v.aliases != nil {
		m.Aliases = len(v.aliases.links)
	}
	if err := b.json(blockMeta, 0, 0, m); err != nil {
		return err
	}
	if err := v.world.write(b); err != nil {
		return err
	}
	if err := v.aliases.write(b); err != nil {
		return err
	}
	writeTable(b, blockFiles, v.files, appendFile)
	writeTable(b, blockSums, v.sums, appendSum)
	b.block(blockEnd, 0, 0, nil)
	return b.err
}

func (w *blockWriter) json(kind, first, count uint32, value any) error {
	p, err := json.Marshal(value)
	if err != nil {
		return err
	}
	w.block(kind, first, count, p)
	return w.err
}

func (w *World) write(b *blockWriter) error {
	for i, m := range w.Mirrors {
		if err := b.json(blockMirror, uint32(m.ID), 0, m); err != nil {
			return fmt.Errorf("mirror %s: %w", m.Name, err)
		}
		held, err := w.Held[i].ToBytes()
		if err != nil {
			return fmt.Errorf("holdings of mirror %s: %w", m.Name, err)
		}
		b.block(blockHeld, uint32(m.ID), 0, held)
	}
	return b.err
}

// aliasJSON is an alias on disk. Names are bytes, which JSON strings are not.
type aliasJSON struct {
	Path   []byte `json:"path"`
	Target []byte `json:"target"`
	Folder bool   `json:"folder,omitempty"`
}

func (a *aliases) write(b *blockWriter) error {
	if a == nil {
		return nil
	}
	var batch []aliasJSON
	flush := func() error {
		err := b.json(blockAliases, 0, uint32(len(batch)), batch)
		batch = batch[:0]
		return err
	}
	for p, l := range a.links {
		batch = append(batch, aliasJSON{[]byte(p), []byte(l.Target), l.Folder})
		if len(batch) == aliasesBlock {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if len(batch) > 0 {
		return flush()
	}
	return nil
}

// writeTable writes whole shards into blocks: for each the number of entries,
// then these.
func writeTable[V any](b *blockWriter, kind uint32, t *table[V], encode func([]byte, uint64, *V) []byte) {
	buf := make([]byte, 0, goodBlock+goodBlock/4)
	first := 0
	for i := range t.shards {
		buf = binary.LittleEndian.AppendUint32(buf, uint32(t.shards[i].n))
		t.all(i, func(key uint64, v *V) { buf = encode(buf, key, v) })
		if len(buf) >= goodBlock || i == len(t.shards)-1 {
			b.block(kind, uint32(first), uint32(i+1-first), buf)
			first, buf = i+1, buf[:0]
		}
	}
}

func appendFile(b []byte, key uint64, f *fileVal) []byte {
	var e [fileLen]byte
	binary.LittleEndian.PutUint64(e[0:], key)
	binary.LittleEndian.PutUint64(e[8:], uint64(f.size))
	binary.LittleEndian.PutUint64(e[16:], uint64(f.mtime))
	binary.LittleEndian.PutUint32(e[24:], f.id)
	e[28] = f.prec
	return append(b, e[:]...)
}

func decodeFile(e []byte) (key uint64, f fileVal) {
	_ = e[fileLen-1]
	return binary.LittleEndian.Uint64(e), fileVal{
		size:  int64(binary.LittleEndian.Uint64(e[8:])),
		mtime: int64(binary.LittleEndian.Uint64(e[16:])),
		id:    binary.LittleEndian.Uint32(e[24:]),
		prec:  e[28],
	}
}

func appendSum(b []byte, key uint64, s *sum) []byte {
	return append(binary.LittleEndian.AppendUint64(b, key), s[:]...)
}

func decodeSum(e []byte) (key uint64, s sum) {
	return binary.LittleEndian.Uint64(e), sum(e[8:sumLen])
}

// saveBytesPerMinute spares the disk: a large catalog is written more seldom,
// which costs nothing but a longer first change after a crash.
const saveBytesPerMinute = 64 << 20

// interval is the least time between two writes of a file of this size.
func interval(size int64) time.Duration {
	return time.Minute * time.Duration(1+size/saveBytesPerMinute)
}
