package autoindex

import "strings"

// What is newer by name is told by the numbers in it, of which version order
// (natural.go) has not all: it puts foo-1.7.2.tar.gz before foo-1.7.tar.gz, and
// 1.0rc1 behind 1.0. So for the latest, a name is taken as a row of elements, and
// again made into a key of bytes. Each begins with its rank; where two names
// part, the higher rank is newer.
const (
	rankTilde    = 1 + iota // "~": before all, as in Debian's versions
	rankPre                 // alpha, beta, rc and the like, with their stage
	rankEnd                 // of the name
	rankWord                // any other word, an ending for instance
	rankAttached            // a word directly behind a number: 1.1.1w, 9.9p1
	rankNumber
)

// stages are words for what comes before a release, in their order.
var stages = map[string]byte{
	"dev": 1, "snapshot": 1, "nightly": 1, "daily": 1, "git": 1,
	"alpha": 2, "a": 2, "beta": 3, "b": 3,
	"m": 4, "milestone": 4, "preview": 4, "pre": 4, "test": 4, "testing": 4,
	"rc": 5, "cr": 5, "c": 5,
}

// versionKey gives the key of a name.
func versionKey(name string) (dst []byte) {
	afterNumber := false
	for i := 0; i < len(name); {
		c, end := name[i], i+1
		switch {
		case isDigit(c):
			for end < len(name) && isDigit(name[end]) {
				end++
			}
			dst = appendRun(append(dst, rankNumber), name[i:end])
			afterNumber = true
		case isWordByte(c):
			for end < len(name) && isWordByte(name[end]) {
				end++
			}
			dst = appendWord(dst, name[i:end], afterNumber, end < len(name) && isDigit(name[end]))
			afterNumber = false
		default: // what separates has no meaning of its own
			if c == '~' {
				dst = append(dst, rankTilde)
			}
			afterNumber = false
		}
		i = end
	}
	return append(dst, rankEnd)
}

// appendWord appends a word. A single letter is a stage only within a version:
// 3.13.0b2, but 1.0.2b.
func appendWord(dst []byte, word string, afterNumber, beforeNumber bool) []byte {
	lower := strings.ToLower(word)
	if stage, ok := stages[lower]; ok && (len(word) > 1 || afterNumber && beforeNumber) {
		return append(dst, rankPre, stage)
	}
	rank := byte(rankWord)
	if afterNumber {
		rank = rankAttached
	}
	dst = append(append(dst, rank), lower...)
	return append(dst, 0)
}

func isWordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}
