package scanner

import (
	"context"
	"errors"
	"sync"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/httphead"
)

const (
	askers       = 8      // questions to one mirror at once
	maxQuestions = 50_000 // in one scan: the exact sizes are remembered, so the next goes on
	maxSilent    = 20     // questions without an answer in a row, after which none is asked
)

// errSilent stands for every reason why a question had no answer.
var errSilent = errors.New("no answer")

// queue asks a mirror's web server about entries while its listing goes on.
type queue struct {
	in   chan inquiry
	wg   sync.WaitGroup
	head func(ctx context.Context, path string) (httphead.Answer, error)

	asked int // by the matcher's goroutine alone

	mu     sync.Mutex
	silent int
	done   []answered
}

type answered struct {
	q inquiry
	h httphead.Answer
	e error
}

// newQueue asks by head, which takes a path of the tree; nil: nobody can be asked.
func newQueue(ctx context.Context, head func(context.Context, string) (httphead.Answer, error)) *queue {
	q := &queue{in: make(chan inquiry), head: head}
	for range askers {
		q.wg.Go(func() {
			for i := range q.in {
				h, err := q.head(ctx, i.path)
				h.FinalURL, h.ContentType = "", "" // as long as the server likes
				if err != nil {
					err = errSilent
				}
				q.mu.Lock()
				if q.silent++; err == nil {
					q.silent = 0
				}
				q.done = append(q.done, answered{i, h, err})
				q.mu.Unlock()
			}
		})
	}
	return q
}

// ask implements asker. It waits while as many questions are open as may be,
// and reports false when no more are asked.
func (q *queue) ask(i inquiry) bool {
	q.mu.Lock()
	silent := q.silent
	q.mu.Unlock()
	if q.head == nil || q.asked >= maxQuestions || silent >= maxSilent {
		return false
	}
	q.asked++
	q.in <- i
	return true
}

// finish waits for the open questions and books all answers.
func (q *queue) finish(m *matcher) {
	close(q.in)
	q.wg.Wait()
	for _, a := range q.done {
		m.answer(a.q, a.h, a.e)
	}
	q.done = nil
}
