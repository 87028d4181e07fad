package autoindex

import "fmt"

// Append appends a listing in one of the formats but HTML, whose page is made
// elsewhere, and Auto, which is none.
func Append(dst []byte, f Format, l *Listing, o *Options) ([]byte, error) {
	switch f {
	case Plain:
		return AppendPlain(dst, l, o), nil
	case Fancy:
		return AppendFancy(dst, l, o), nil
	case Table:
		return AppendTable(dst, l, o), nil
	case Text:
		return AppendText(dst, l, o), nil
	case JSON:
		return AppendJSON(dst, l), nil
	default:
		return dst, fmt.Errorf("writing a listing: the format %v is not written here", f)
	}
}

// perEntry is about how many bytes a row takes without its name.
const perEntry = 160

// grow makes room for a page, so that it need not be copied as it grows.
func grow(dst []byte, l *Listing) []byte {
	n := 4096 + len(l.Header.Text) + len(l.Readme.Text)
	for i := range l.Entries {
		e := &l.Entries[i]
		n += perEntry + 2*(len(e.Name)+len(e.Folder)) + len(e.Description)
	}
	if cap(dst)-len(dst) >= n {
		return dst
	}
	return append(make([]byte, 0, len(dst)+n), dst...)
}
