package rsync

import (
	"bufio"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

// Signs of life are no entries: a server that sends nothing else is left.
func TestSignsOfLifeOnly(t *testing.T) {
	t.Parallel()
	url := fake(t, func(c net.Conn, r *bufio.Reader) {
		upToList(c, r)
		for {
			if _, err := io.WriteString(c, frame(tagNoop, "")); err != nil {
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	})
	l, err := New(url, listing.Options{Timeout: testTimeout})
	check(t, err)
	for _, limits := range []listing.Limits{{Idle: testTimeout}, {Time: testTimeout}} {
		_, err = listing.Bounded(l, limits).List(t.Context(), "", func(listing.Entry) error { return nil })
		if _, ok := errors.AsType[*listing.LimitError](err); !ok {
			t.Errorf("%+v: %v", limits, err)
		}
	}
}
