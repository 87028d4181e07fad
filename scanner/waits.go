package scanner

import (
	"slices"
	"sync"
	"time"
)

// waits are how long a mirror's web servers took to begin their answers about
// samples; some hundred at most.
type waits struct {
	mu  sync.Mutex
	all []time.Duration
}

// add notes one; 0 is one that was not measured.
func (w *waits) add(d time.Duration) {
	if d <= 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, d)
}

// median gives the one in the middle, of two the shorter; 0: there are none.
func (w *waits) median() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.all) == 0 {
		return 0
	}
	slices.Sort(w.all)
	return w.all[(len(w.all)-1)/2]
}
