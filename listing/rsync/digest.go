package rsync

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"hash"
	"slices"
	"strings"

	"golang.org/x/crypto/md4"
)

// md4Old is what servers without a digest list mean by MD4: the digest also
// covers a seed, which is 0 here.
const md4Old = "md4-old"

// digests are those of our greeting, strongest first.
var digests = []string{"sha512", "sha256", "sha1", "md5", "md4"}

func newDigest(name string) hash.Hash {
	switch name {
	case "sha512":
		return sha512.New()
	case "sha256":
		return sha256.New()
	case "sha1":
		return sha1.New()
	case "md5":
		return md5.New()
	default:
		return md4.New()
	}
}

// chooseDigest picks the digest for the answer to a challenge: the strongest
// of the server's list that we know, or what the version implies when the
// server sent no list. "" means that there is none in common.
func chooseDigest(list string, hasList bool, version int) string {
	if !hasList {
		if version >= 30 {
			return "md5"
		}
		return md4Old
	}
	theirs := strings.Fields(list)
	for _, name := range digests {
		if slices.Contains(theirs, name) {
			return name
		}
	}
	return ""
}

// answer is the response to a challenge.
func answer(digest, password, challenge string) string {
	h := newDigest(digest)
	if digest == md4Old {
		h.Write(make([]byte, 4))
	}
	h.Write([]byte(password))
	h.Write([]byte(challenge))
	return base64.RawStdEncoding.EncodeToString(h.Sum(nil))
}
