package filecheck

import "hash/maphash"

// seed keys the hash that spreads paths over the slots, so that nobody outside
// can choose paths that share one.
type seed struct{ s maphash.Seed }

func newSeed() seed { return seed{maphash.MakeSeed()} }

func (s seed) hash(rel string) uint64 { return maphash.String(s.s, rel) }
