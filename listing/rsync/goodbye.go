package rsync

import (
	"io"
	"time"
)

// maxGoodbye is how long the server is given to finish its side after the list
// has come completely: it sorts the list first.
const maxGoodbye = 5 * time.Second

// sayGoodbye ends the conversation as rsync's own client does, by an index of
// -1 ("done") for each phase of the transfer that does not take place (sender.c,
// send_files; main.c, read_final_goodbye), and takes in what the server still
// says. Failure harms nobody.
func sayGoodbye(c *conn, w *wire, version int) {
	done := 3
	switch {
	case version >= 31:
		done = 5
	case version >= 29:
		done = 4
	}
	var msg []byte
	for range done {
		if version >= 30 {
			msg = append(msg, 1, 0, 0, tagBase+tagData, 0)
		} else {
			msg = append(msg, 0xFF, 0xFF, 0xFF, 0xFF)
		}
	}
	c.until = time.Now().Add(maxGoodbye)
	if _, err := c.Write(msg); err != nil {
		return
	}
	// A server sends some forty bytes here.
	for n := 0; n < 4096 && w.err == nil; n++ {
		w.byte()
	}
}

// sendArguments asks for the contents of a folder (options.c, server_options).
func sendArguments(out io.Writer, version int, folder string) error {
	args := []string{"--server", "--sender", "-lr", ".", folder}
	end := "\n"
	if version >= 30 {
		// No pre-release, symlinks have times, error flags may end the list; no
		// "i", so no incremental recursion; no "v", so no negotiation.
		args[2] = "-lre.Lf"
		end = "\x00"
	}
	var msg []byte
	for _, arg := range append(args, "") {
		msg = append(append(msg, arg...), end...)
	}
	_, err := out.Write(msg)
	return err
}
