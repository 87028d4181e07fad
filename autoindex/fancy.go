package autoindex

// noIcon stands where Apache puts an icon, and a blank.
const noIcon = "      "

// noTime is as wide as a time in the older format, in every format.
const noTime = "                   "

// AppendFancy appends Apache's columns of text.
func AppendFancy(dst []byte, l *Listing, o *Options) []byte {
	p := newApachePage(l, o)
	dst = p.appendHead(grow(dst, l))
	dst = p.appendFancyTitles(dst)
	if l.Parent {
		dst = p.appendFancyParent(dst)
	}
	for i := range l.Entries {
		dst = p.appendFancyRow(dst, &l.Entries[i])
	}
	if !o.SuppressRules {
		dst = append(dst, "<hr>"...)
	}
	dst = append(dst, "</pre>\n"...)
	return p.appendTail(dst)
}

func (p *apachePage) appendFancyTitles(dst []byte) []byte {
	dst = append(dst, "<pre>"+noIcon...)
	dst = p.appendColumn(dst, ByName, "Name")
	dst = appendBlanks(dst, p.nameWidth-len("Name")+1)
	if p.columns&Modified != 0 {
		dst = p.appendColumn(dst, ByModified, "Last modified")
		dst = append(dst, "      "...)
	}
	if p.columns&Size != 0 {
		dst = p.appendColumn(dst, BySize, "Size")
		dst = append(dst, "  "...)
	}
	if p.columns&Mirrors != 0 {
		dst = p.appendColumn(dst, ByMirrors, "Mirrors")
		dst = append(dst, "  "...)
	}
	if p.columns&Description != 0 {
		dst = p.appendColumn(dst, ByDescription, "Description")
	}
	if p.o.SuppressRules {
		return append(dst, '\n')
	}
	return append(dst, "<hr>"...)
}

func (p *apachePage) appendFancyParent(dst []byte) []byte {
	dst = append(dst, noIcon...)
	dst, n := p.appendParentName(dst)
	dst = appendBlanks(dst, p.nameWidth-n+1)
	if p.columns&Modified != 0 {
		dst = append(dst, noTime...)
	}
	if p.columns&Size != 0 {
		dst = append(appendSize(dst, -1), "  "...)
	}
	if p.columns&Mirrors != 0 {
		dst = p.appendFancyMirrors(dst, -1)
	}
	return append(dst, '\n')
}

func (p *apachePage) appendFancyRow(dst []byte, e *Entry) []byte {
	dst = append(dst, noIcon...)
	dst, n := p.appendName(dst, e)
	dst = appendBlanks(dst, p.nameWidth-n+1)
	if p.columns&Modified != 0 {
		if e.ModTime.IsZero() {
			dst = append(dst, noTime...)
		} else {
			dst = p.appendTime(dst, e.ModTime)
		}
	}
	if p.columns&Size != 0 {
		dst = append(appendSize(dst, e.apacheSize()), "  "...)
	}
	if p.columns&Mirrors != 0 {
		dst = p.appendFancyMirrors(dst, e.knownMirrors())
	}
	if p.columns&Description != 0 && e.Description != "" {
		dst = p.appendDescription(dst, e.Description)
	}
	if p.columns&Details != 0 && e.hasDetails() {
		dst = appendDetails(append(dst, ' '), e)
	}
	return append(dst, '\n')
}

// appendFancyMirrors appends a count as wide as the title.
func (p *apachePage) appendFancyMirrors(dst []byte, n int) []byte {
	if n < 0 {
		return appendBlanks(dst, len("Mirrors")+2)
	}
	return append(appendWide(dst, int64(n), len("Mirrors")), "  "...)
}
