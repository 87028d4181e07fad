// Package e2e has no code of its own. Its tests drive the built caddy and
// mbctl as processes, against real mirrors (rsync, FTP, nginx, Apache,
// lighttpd, Caddy on loopback addresses) and both databases, and look at what
// clients get.
//
// The programs are built once, or taken from the folder that MIRRORBRAIN_BIN
// names. The tests need Linux, where all of 127.0.0.0/8 is loopback: an
// address stands for a country there.
package e2e
