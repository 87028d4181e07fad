// Package filecheck answers, on the request path, what a local file looks like
// now: its size and modification time, at most a given age old, or that this
// cannot be told at the moment.
//
// It exists because stat may hang for ever (a network disk that went away, a
// FUSE server that stopped) and a request must not. So every stat is made by a
// worker and waited for only so long; the number of workers that can be stuck is
// bounded, and while calls are stuck, nobody waits for the folders they are in,
// or for anything once they are many.
//
// Handing a call to a worker costs more than most calls do. So on Linux, an
// answer about a file in a local file system holds until the kernel tells of a
// change to it or to the way to it.
package filecheck
