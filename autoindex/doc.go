// Package autoindex makes the index pages of folders: what a query asks for, in
// which order the entries stand, and how they are written. It reads no disk and
// knows no server, so that everything in it is a function of what it is given.
//
// Crawlers of mirrors and distributions read Apache's index pages line by line.
// The formats Plain, Fancy and Table are therefore those of Apache 2.4's
// mod_autoindex byte for byte, with these differences: pages are always UTF-8,
// widths count characters instead of bytes, names that are longer than their
// column are not cut within a character, version sort puts bytes above 127
// last, and descriptions are text. What mod_autoindex_mb adds to them (a link to
// the mirror list of each file) is an option. JSON has the keys of Caddy's
// "file_server browse" and further ones; Text is that server's plain text.
//
// The page for people (format HTML) is made elsewhere, from the same Listing.
package autoindex
