package redirector

import (
	"bytes"
	"strings"
)

// Trust anchors are the small files clients check everything else against:
// whoever can change them can change all. They are also those that clients
// must not get one generation old. So they come from here, not from mirrors.

// trustAnchor says which kind of trust anchor a file is, or "".
func trustAnchor(path, base string) string {
	if base == "" || len(base) > 255 {
		return ""
	}
	var buf [255]byte
	folded := buf[:len(base)]
	for i := range folded {
		folded[i] = lower(base[i])
	}
	switch {
	case isSignature(folded):
		return ExemptSignature
	case isChecksums(folded):
		return ExemptChecksums
	case isIndex(path, base):
		return ExemptRepository
	}
	return ""
}

// isSignature: detached signatures and public keys. name is lower case.
func isSignature(name []byte) bool {
	switch string(ext(name)) {
	case "asc", "sig", "sign", "gpg", "minisig", "sigstore", "p7s":
		return true
	}
	return bytes.HasPrefix(name, []byte("gpg-pubkey")) || bytes.HasPrefix(name, []byte("rpm-gpg-key"))
}

// isChecksums: lists like SHA256SUMS, Fedora-40-CHECKSUM, md5sum.txt,
// CHECKSUM.SHA256-FreeBSD-14, and companions like x.iso.sha256. name is lower
// case.
func isChecksums(name []byte) bool {
	if bytes.HasPrefix(name, []byte("checksum.")) || bytes.HasPrefix(name, []byte("checksums.")) {
		return true
	}
	name = bytes.TrimSuffix(name, []byte(".txt"))
	if isAlgorithm(ext(name)) { // also the whole name
		return true
	}
	word := name[1+bytes.LastIndexAny(name, ".-_"):]
	switch string(word) {
	case "checksum", "checksums":
		return true
	}
	alg, sum := bytes.CutSuffix(bytes.TrimSuffix(word, []byte("s")), []byte("sum"))
	return sum && isAlgorithm(alg)
}

func isAlgorithm(name []byte) bool {
	switch string(name) {
	case "md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3-256", "sha3-512",
		"b2", "b3", "blake2", "blake2b", "blake3":
		return true
	}
	return false
}

// isIndex: the mutable indexes of package repositories, not what they name by
// its hash.
func isIndex(path, base string) bool {
	stem, rest, dotted := strings.Cut(base, ".")
	switch stem {
	case "Release", "InRelease": // Debian
		return !dotted || rest == "key"
	case "Packages", "Sources", "PACKAGES": // Debian, OpenWrt, Gentoo; CRAN
		return !dotted || isPacked(rest) || rest == "adb" || rest == "rds" || rest == "manifest"
	case "Index":
		return !dotted && strings.HasSuffix(folder(path, base), ".diff")
	case "repomd": // rpm-md
		return hasWord(rest, "xml")
	case "primary", "filelists", "other", "updateinfo", "comps": // rpm-md without hashes in the names
		return (hasWord(rest, "xml") || hasWord(rest, "sqlite")) && folder(path, base) == "repodata"
	case "media", "products": // SUSE
		return !dotted && strings.HasPrefix(folder(path, base), "media.")
	case "content":
		return !dotted
	case "APKINDEX": // Alpine
		return dotted
	case "packagesite": // FreeBSD
		return dotted
	case "meta":
		return rest == "conf"
	case "repodata", "current_repodata": // conda
		return hasWord(rest, "json")
	case "maven-metadata":
		return rest == "xml"
	case "setup": // Cygwin
		return rest == "ini"
	case "texlive":
		return hasWord(rest, "tlpdb")
	}
	return isDatabase(base)
}

// isDatabase: pacman's core.db and core.db.tar.gz, xbps's x86_64-repodata.
func isDatabase(base string) bool {
	if strings.HasSuffix(base, "-repodata") {
		return true
	}
	if i := strings.LastIndexByte(base, '.'); i > 0 && isPacked(base[i+1:]) && strings.HasSuffix(base[:i], ".tar") {
		base = base[:i]
	}
	base = strings.TrimSuffix(base, ".tar")
	return strings.HasSuffix(base, ".db") || strings.HasSuffix(base, ".files")
}

// isPacked: the extension of a compressed file.
func isPacked(ext string) bool {
	switch ext {
	case "gz", "bz2", "xz", "lzma", "lz4", "zst":
		return true
	}
	return false
}

// hasWord reports whether s is word or begins with word and a dot.
func hasWord(s, word string) bool {
	return strings.HasPrefix(s, word) && (len(s) == len(word) || s[len(word)] == '.')
}

// folder gives the name of the folder that path's file is in.
func folder(path, base string) string {
	dir := strings.TrimSuffix(path[:len(path)-len(base)], "/")
	return dir[strings.LastIndexByte(dir, '/')+1:]
}

// ext gives what follows the last dot, or all of name where there is none.
func ext(name []byte) []byte { return name[1+bytes.LastIndexByte(name, '.'):] }
