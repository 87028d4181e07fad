package movein

import (
	"math/rand/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// sample draws files at random from a stream, and keeps the largest that may
// be read. More are kept than are wanted, since some may be too large.
type sample struct {
	files int
	bytes int64

	seen    int
	kept    []draw
	largest draw
}

type draw struct {
	Digest
	version mirror.Version
}

// spare is how many draws are kept for each that is wanted.
const spare = 4

// offer is algorithm R (Vitter, 1985): each of the files seen so far is kept
// with the same probability.
func (s *sample) offer(d *Digest, v mirror.Version) {
	s.seen++
	if d.Size <= s.bytes && (s.largest.Path == "" || d.Size > s.largest.Size) {
		s.largest = draw{*d, v}
	}
	switch room := s.files * spare; {
	case len(s.kept) < room:
		s.kept = append(s.kept, draw{*d, v})
	default:
		if at := rand.IntN(s.seen); at < room {
			s.kept[at] = draw{*d, v}
		}
	}
}

// drawn gives the files to read: as many as wanted, in random order, without
// those that would be too much to read, and the largest.
func (s *sample) drawn() []draw {
	rand.Shuffle(len(s.kept), func(i, j int) { s.kept[i], s.kept[j] = s.kept[j], s.kept[i] })
	var out []draw
	left := s.bytes
	for _, d := range s.kept {
		if len(out) < s.files && d.Size <= left && d.Path != s.largest.Path {
			out = append(out, d)
			left -= d.Size
		}
	}
	if s.largest.Path != "" {
		out = append(out, s.largest)
	}
	return out
}
