// Package mirrorlist writes lists of the places a file or a folder can be had
// from: for people an HTML page, for programs JSON and the plain lists that
// package managers read. It decides nothing: which mirrors there are, in which
// order, and which of them are out, is what it is given.
//
// Names of files may hold any byte. In URLs they are percent-encoded exactly as
// they are; where they are shown, bytes that are not UTF-8 become U+FFFD.
package mirrorlist

// Media types of the lists.
const (
	TypeHTML = "text/html; charset=utf-8"
	TypeJSON = "application/json"
	TypeText = "text/plain; charset=utf-8"
)
