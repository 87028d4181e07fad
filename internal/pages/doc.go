// Package pages has no code of its own. Its tests look at every page that people
// see as they see it: in Chromium, served by the built caddy from a site with
// mirrors, a place for each client, and names of files that careless pages choke
// on. A new page is one entry in the table of table_test.go; what holds for every
// page is tried for it then.
//
// The programs are built once, or taken from the folder that MIRRORBRAIN_BIN
// names. The tests need Linux, where all of 127.0.0.0/8 is loopback.
package pages
