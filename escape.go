package mirrorbrain

import (
	"net/http"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/retry"
)

// recall has the query skip mirrors that the client just came back from. Only
// who fetches takes part: not HEAD, nor clients that are simulated.
func (q *question) recall() {
	q.visit = retry.Visit{}
	memory := q.h.retries
	if memory == nil || q.o.simulated || q.r.Method != http.MethodGet {
		return
	}
	q.visit = memory.Visit(q.addr, q.entry.ID, q.query.Now, time.Duration(q.h.Retry))
	q.query.Tried = memory.Tried(q.visit, q.tried[:0])
}

// remember notes the mirror that the client is sent to.
func (q *question) remember(to mirror.ID) {
	if q.h.retries != nil {
		q.h.retries.Note(q.visit, to)
	}
}
