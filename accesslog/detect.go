package accesslog

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// detect finds the format out from the first lines: the one that can read most of
// them; of two that are alike the one that takes more from them.
func (r *Reader) detect() error {
	for len(r.ahead) < lookahead {
		line, err := r.readLine()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("%s: line %d: %w", r.name, len(r.ahead)+1, err)
		}
		r.ahead = append(r.ahead, slices.Clone(line))
	}
	best, others, most := Auto, 0, 0
	var e Entry
	for _, f := range [...]Format{Caddy, Mirrorbits, MirrorBrain, Combined} {
		n, passed := 0, 0
		for _, line := range r.ahead {
			switch r.parse(line, f, &e) {
			case good:
				n++
			case other:
				passed++
			case bad:
			}
		}
		// Where no line tells of a request, the format that lets them pass is it.
		if n > most || most == 0 && n == 0 && passed > others {
			best, most, others = f, n, passed
		}
	}
	if best == Auto && len(r.ahead) > 0 {
		return fmt.Errorf("%s: the format is not known: the first line is of none of %s: %s",
			r.name, strings.Join(formatNames[1:], ", "), beginning(r.ahead[0]))
	}
	r.format = best
	return nil
}
