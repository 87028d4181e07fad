// Package rsync lists what rsync daemons hold: with a client of our own that
// speaks only the listing half of the daemon protocol, versions 27 to 32, or
// through an installed rsync program. rsyncs:// is the same inside TLS, as
// rsync-ssl speaks it.
//
// # The wire
//
// Facts about the protocol were taken from rsync's behaviour and, where named,
// from these of its source files:
//
//   - Greeting (clientserver.c): both sides send "@RSYNCD: 32.0 sha512 ...\n";
//     the lower version counts. A subversion other than 0 is a pre-release and
//     counts as one version less for those that do not know it. The digest list
//     exists since 3.2.7 and is obligatory from protocol 32.
//   - Module, then lines of any kind (the message of the day) until
//     "@RSYNCD: OK", "@RSYNCD: AUTHREQD challenge", "@RSYNCD: EXIT" or "@ERROR".
//   - Authentication (authenticate.c): unpadded base64 of digest(password +
//     challenge). The digest is the strongest both lists name; without a list it
//     is MD5 from protocol 30 and before that MD4 of four zero bytes, password
//     and challenge (checksum.c).
//   - Arguments: each ended by NUL from protocol 30, by newline before; an empty
//     one ends them. What follows the "." is expanded as a shell pattern by the
//     server (util.c), so it is quoted with backslashes.
//   - Set-up (compat.c): the server sends compatibility flags (a varint, from
//     protocol 30) and a checksum seed (int32). Bit 7 would be followed by an
//     exchange of algorithm names, bit 0 would mean incremental recursion. Both
//     need letters in the -e argument that this client does not send.
//   - From there on the server's stream is cut into frames (io.c): a
//     little-endian uint32 whose top byte is 7 + a tag and whose other three are
//     the length. Tag 0 is data, the others are messages that may come between
//     any two bytes of data. The client's stream is cut likewise from protocol 30.
//   - The client sends its filter list: each rule an int32 length and its text,
//     an int32 0 at the end (exclude.c).
//   - File list (flist.c): see flist.go. Entries come in the order in which the
//     server reads its folders, before it sorts anything, so that nothing needs
//     to be kept.
//   - Goodbye (main.c, sender.c): see goodbye.go. It keeps the server from
//     logging a broken connection.
package rsync
