// Package asn knows which autonomous system announces an address: a table for
// longest-prefix match, and readers for the files such tables are made from.
package asn
