package autoindex

import (
	"fmt"
	"time"
)

// Columns is a set of columns beside the name.
type Columns uint8

// The columns beside the name. Details is what mod_autoindex_mb adds with its
// option Mirrorlist: a link to the mirror list of each file that has one.
// Mirrors is how many mirrors hold it.
const (
	Modified Columns = 1 << iota
	Size
	Description
	Mirrors
	Details
)

// ApacheColumns are what Apache shows unless told otherwise.
const ApacheColumns = Modified | Size | Description

// Widest as a width makes a column as wide as its longest entry.
const Widest = -1

// DefaultWidth is the width of names and descriptions in characters where
// nothing else is set; MinNameWidth and MinDescriptionWidth are the least that
// can be set. All three are Apache's.
const (
	DefaultWidth        = 23
	MinNameWidth        = 5
	MinDescriptionWidth = 12
)

// The date layouts of Apache.
const (
	DateFormat    = "2006-01-02 15:04"  // 2.4
	OldDateFormat = "02-Jan-2006 15:04" // 2.2, and 2.4 with UseOldDateFormat
)

// Options are what an operator sets about listings. The zero value is Apache
// without any IndexOptions, but with FancyIndexing left to Format.
type Options struct {
	// Format is what those get whose query and Accept header ask for nothing.
	Format Format
	// Order is the order where the query asks for none.
	Order Order
	// Columns are those shown. 0: ApacheColumns.
	Columns Columns

	// NameWidth and DescriptionWidth are the widths of these columns in
	// characters in Fancy and Table; what is longer is cut. 0: DefaultWidth, to
	// which for descriptions the widths of columns that are not shown are added;
	// Widest: as wide as needed.
	NameWidth, DescriptionWidth int
	// DateLayout is the layout of times in Fancy and Table, as package time has
	// them. "": DateFormat.
	DateLayout string
	// TextDateLayout is that of Text. "": Caddy's "January 2, 2006 at 15:04:05".
	TextDateLayout string
	// Location is the time zone of the times in Fancy, Table, and Text. nil: UTC.
	Location *time.Location

	// IgnoreClient ignores the query and leaves out the links to other orders.
	IgnoreClient bool
	// The following do what Apache's options of these names do.
	SuppressColumnSorting bool // no links to other orders
	SuppressRules         bool // no lines above and below the entries
	SuppressHTMLPreamble  bool // where Header is HTML, it is the page from its beginning

	// StyleSheet is the URL of a style sheet; with one, the cells of Table have
	// classes. HeadInsert is markup for the page's head.
	StyleSheet string
	HeadInsert string
}

// Validate tells what cannot be.
func (o *Options) Validate() error {
	switch {
	case o.Format >= formats:
		return fmt.Errorf("there is no format %d", o.Format)
	case o.NameWidth != 0 && o.NameWidth != Widest && o.NameWidth < MinNameWidth:
		return fmt.Errorf("a name width of %d: at least %d characters are needed", o.NameWidth, MinNameWidth)
	case o.DescriptionWidth != 0 && o.DescriptionWidth != Widest && o.DescriptionWidth < MinDescriptionWidth:
		return fmt.Errorf("a description width of %d: at least %d characters are needed", o.DescriptionWidth, MinDescriptionWidth)
	}
	return nil
}
