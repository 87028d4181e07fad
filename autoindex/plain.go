package autoindex

// AppendPlain appends Apache's bullet list.
func AppendPlain(dst []byte, l *Listing, o *Options) []byte {
	p := newApachePage(l, o)
	dst = p.appendHead(grow(dst, l))
	dst = append(dst, "<ul>"...)
	if l.Parent {
		dst = appendBullet(dst, parentPath(l.Path), parentTitle)
	}
	for i := range l.Entries {
		name := l.Entries[i].shownName()
		dst = appendBullet(dst, name, name)
	}
	dst = append(dst, "</ul>\n"...)
	return p.appendTail(dst)
}

func appendBullet(dst []byte, path, title string) []byte {
	dst = append(dst, `<li><a href="`...)
	dst = appendHref(dst, path)
	dst = append(dst, `"> `...)
	dst = appendHTML(dst, title)
	return append(dst, "</a></li>\n"...)
}
