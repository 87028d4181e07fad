package autoindex

import "strings"

// fileKind is what a file is, for its icon. The names are those of classes.
type fileKind string

// The kinds of entries.
const (
	kindFolder   fileKind = "folder"
	kindLink     fileKind = "link" // symbolic
	kindDisc     fileKind = "disc"
	kindArchive  fileKind = "archive"
	kindPackage  fileKind = "package"
	kindSource   fileKind = "source"
	kindDocument fileKind = "document"
	kindSeal     fileKind = "seal" // signatures and checksums
	kindPicture  fileKind = "picture"
	kindVideo    fileKind = "video"
	kindAudio    fileKind = "audio"
	kindOther    fileKind = "other"
)

// kindsByEnding has the endings of names, in lower case and without the dot.
var kindsByEnding = func() map[string]fileKind {
	m := make(map[string]fileKind, 160)
	for kind, endings := range map[fileKind]string{
		kindDisc:     "iso img raw qcow2 vmdk vdi vhd vhdx ova dmg wic sdcard hddimg squashfs wim",
		kindArchive:  "tar gz tgz xz txz bz2 tbz tbz2 zst lz lz4 lzma zip 7z rar cpio z jar war cab",
		kindPackage:  "rpm drpm deb udeb apk ipk pkg snap flatpak flatpakref appimage exe msi msix xpi crx whl gem nupkg vsix eopkg xbps ebuild",
		kindSource:   "dsc c h cc cpp hpp go rs py pl rb js ts java sh bash lua php diff patch spec el hs ml tex css json yaml yml toml xml sql",
		kindDocument: "txt md rst adoc html htm xhtml pdf ps epub odt ods odp doc docx rtf changes log nfo man info",
		kindSeal:     "asc sig sign gpg minisig pem crt p7s md5 sha1 sha224 sha256 sha384 sha512 b2 b3 btih md5sum sha1sum sha256sum sha512sum md5sums sha1sums sha256sums sha512sums",
		kindPicture:  "png jpg jpeg gif svg webp avif ico bmp tif tiff xpm",
		kindVideo:    "mp4 mkv webm avi mov mpg mpeg ogv m4v",
		kindAudio:    "mp3 ogg oga opus flac wav m4a aac",
	} {
		for ending := range strings.FieldsSeq(endings) {
			m[ending] = kind
		}
	}
	return m
}()

// kindsByName has whole names, in lower case.
var kindsByName = map[string]fileKind{
	"md5sums": kindSeal, "sha1sums": kindSeal, "sha256sums": kindSeal, "sha512sums": kindSeal, "b2sums": kindSeal, "checksum": kindSeal, "checksums": kindSeal, "md5sum": kindSeal,
	"release": kindDocument, "inrelease": kindSeal, "readme": kindDocument, "changelog": kindDocument, "changes": kindDocument, "license": kindDocument,
	"licence": kindDocument, "copying": kindDocument, "authors": kindDocument, "news": kindDocument, "install": kindDocument, "makefile": kindSource,
}

// longestEnding bounds what is looked up.
const longestEnding = 12

// kindOf says what an entry is.
func kindOf(e *Entry) fileKind {
	switch {
	case e.Dir:
		return kindFolder
	case e.Symlink:
		return kindLink
	}
	return kindNamed(e.Name)
}

// kindNamed goes by a file's name.
func kindNamed(name string) fileKind {
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 {
		return lookUpKind(kindsByName, name)
	}
	kind := lookUpKind(kindsByEnding, name[dot+1:])
	switch {
	case kind == kindOther && strings.Contains(name, "SUMS"), strings.HasSuffix(name, "CHECKSUM"):
		return kindSeal
	case kind == kindPackage && strings.HasSuffix(name, ".src.rpm"), kind == kindArchive && isSourceArchive(name):
		return kindSource
	case kind != kindArchive:
		return kind
	}
	switch inner := lookUpKind(kindsByEnding, name[strings.LastIndexByte(name[:dot], '.')+1:dot]); {
	case strings.Contains(name, ".pkg.tar."):
		return kindPackage
	case inner == kindDisc: // an image that was packed
		return inner
	case inner == kindSource, inner == kindDocument: // primary.xml.gz
		return inner
	}
	return kindArchive
}

// isSourceArchive reports whether an archive is of those that Debian's source
// packages consist of, or says that it has sources.
func isSourceArchive(name string) bool {
	return strings.Contains(name, ".orig.tar.") || strings.Contains(name, ".orig-") || strings.Contains(name, ".debian.tar.") || strings.Contains(name, "-src.")
}

// lookUpKind looks a word up without its case, and without allocating.
func lookUpKind(in map[string]fileKind, word string) fileKind {
	var lower [longestEnding]byte
	if len(word) == 0 || len(word) > longestEnding {
		return kindOther
	}
	for i := range len(word) {
		c := word[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		lower[i] = c
	}
	if kind, ok := in[string(lower[:len(word)])]; ok {
		return kind
	}
	return kindOther
}
