package autoindex

// Column is a column to sort by.
type Column uint8

// The columns. Unsorted stands for the name where an order is needed, and for
// "not asked for" in an Ask.
const (
	Unsorted Column = iota
	ByName
	ByModified
	BySize
	ByDescription
	ByMirrors
)

// Order is how entries are sorted. The zero value sorts all by name as bytes.
//
// Entries that are equal in their column are ordered by name, and names that the
// settings take for equal by their bytes, so that the order of a folder never
// depends on how it was read. Descending turns all of this around, the ties
// too, as Apache does.
type Order struct {
	Column     Column
	Descending bool
	// FoldersFirst makes two groups, each sorted: folders stay first when the
	// order is descending.
	FoldersFirst bool
	// Version compares runs of digits by their value, as Apache's VersionSort does:
	// foo-1.7 < foo-1.7.2 < foo-1.12. Runs that begin with 0 count as decimal
	// fractions: 1.001 < 1.030 < 1.04 < 1.7.
	Version bool
	// IgnoreCase compares names as if they were in lower case.
	IgnoreCase bool
}
