package autoindex

// Arrange makes the rows out of all entries of a folder: it leaves out those
// that the pattern of l.Ask does not match, sorts the others by l.Order, and
// cuts out what Limit and Offset ask for, at most most entries (0: any number).
// It sets Total and, when most was reached, Cut. l.Entries is sorted in place.
func (l *Listing) Arrange(most int) {
	l.filter()
	l.Order.Sort(l.Entries)
	l.Total = len(l.Entries)
	l.Entries = l.Entries[min(max(l.Ask.Offset, 0), len(l.Entries)):]
	if l.Ask.Limit > 0 && l.Ask.Limit < len(l.Entries) {
		l.Entries = l.Entries[:l.Ask.Limit]
	}
	if most > 0 && most < len(l.Entries) {
		l.Entries, l.Cut = l.Entries[:most], true
	}
}

func (l *Listing) filter() {
	if l.Ask.Pattern == "" {
		return
	}
	p, err := ParsePattern(l.Ask.Pattern)
	if err != nil { // ParseAsk has none of these
		return
	}
	kept := l.Entries[:0]
	for _, e := range l.Entries {
		if p.Match(e.Name) {
			kept = append(kept, e)
		}
	}
	l.Entries = kept
}

// Newest raises ModTime to the time of its newest entry.
func (l *Listing) Newest() {
	for i := range l.Entries {
		if t := l.Entries[i].ModTime; t.After(l.ModTime) {
			l.ModTime = t
		}
	}
}
