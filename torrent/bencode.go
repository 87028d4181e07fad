package torrent

import "strconv"

// bencode is a value being written in BEP 3's encoding. The keys of dictionaries
// must be written in the order of their bytes; none are sorted here.
type bencode []byte

func (b *bencode) str(s string) {
	*b = strconv.AppendInt(*b, int64(len(s)), 10)
	*b = append(*b, ':')
	*b = append(*b, s...)
}

func (b *bencode) int(n int64) {
	*b = append(*b, 'i')
	*b = strconv.AppendInt(*b, n, 10)
	*b = append(*b, 'e')
}

func (b *bencode) dict() { *b = append(*b, 'd') }
func (b *bencode) list() { *b = append(*b, 'l') }
func (b *bencode) end()  { *b = append(*b, 'e') }

// raw appends what is encoded already.
func (b *bencode) raw(v []byte) { *b = append(*b, v...) }

// strList appends a list of strings.
func (b *bencode) strList(list []string) {
	b.list()
	for _, s := range list {
		b.str(s)
	}
	b.end()
}
