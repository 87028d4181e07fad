package scanner

import "time"

type headAnswer struct {
	status   int
	size     int64 // -1: not told
	modified time.Time
	err      error
}
