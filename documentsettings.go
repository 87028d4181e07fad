package mirrorbrain

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirrorlist"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

// DocumentSettings say which documents about files there are, and what is in
// them.
type DocumentSettings struct {
	// The documents that are made: of `mirrorlist`, `json`, `meta4`, `metalink`,
	// `torrent`, `magnet`, `zsync`, `btih`, `md5`, `sha1`, `sha256`, `sha512`,
	// `explain`; or `off`. Default: all.
	Documents []string `json:"documents,omitempty"`

	// Whether documents about files that are not redirected name this server
	// alone. If not, they name mirrors all the same. Default: true.
	DocumentExemptions *bool `json:"document_exemptions,omitempty"`

	// How long clients may keep a document. All copies made within that time
	// expire together, and the choice in it stays the same. -1: not at all.
	// Default: 5m.
	DocumentMaxAge caddy.Duration `json:"document_max_age,omitempty"`

	// Digests come without the file's name, as with `?only_hash`. Default: false.
	HashOnly bool `json:"hash_only,omitempty"`

	// How many mirrors a Metalink names at most. Default: 30.
	MetalinkMirrors *int `json:"metalink_mirrors,omitempty"`

	// Who publishes the files, for Metalinks. Default: not said.
	MetalinkPublisher *Publisher `json:"metalink_publisher,omitempty"`

	// Of which files Metalinks name the torrent, where there is one: `on` stands
	// for all, else folders and globs as in `exclude_path`. aria2 joins the swarm
	// of a torrent that it finds, and does not end by itself then. Default: none.
	MetalinkTorrent []string `json:"metalink_torrent,omitempty"`

	// Whether Metalinks name the magnet link, too. Default: false.
	MetalinkMagnet bool `json:"metalink_magnet,omitempty"`

	// How long after it was replaced a version of `repomd.xml` is named as an
	// alternate in its Metalink 3. -1: never. Default: 1d.
	MetalinkAlternates caddy.Duration `json:"metalink_alternates,omitempty"`

	// Base URLs that are put before the mirrors of Metalinks for requests with a
	// field `X-Broken-Mirrors`, to test how clients get over them; if its value
	// is `only`, instead of the mirrors. Default: none.
	BrokenMirrors []string `json:"broken_mirrors,omitempty"`

	// Announce URLs of BitTorrent trackers, in tiers (BEP 12): clients try those
	// of a tier before those of the next. Default: none.
	TorrentTrackers [][]string `json:"torrent_trackers,omitempty"`

	// Nodes of BitTorrent's DHT to begin with, host:port (BEP 5). Without any
	// tracker and node there are no torrents. Default: none.
	DHTNodes []string `json:"dht_nodes,omitempty"`

	// What share of a folder's files a mirror must hold to be in the folder's
	// lists, 0 to 1. Default: 0.9.
	FolderCoverage *float64 `json:"folder_coverage,omitempty"`

	// Mirror lists for Yum by query arguments: `name=regular expression` each,
	// then a folder, in which `$1` to `$9` stand for the arguments' values, and a
	// file in it that mirrors must hold. Default: none.
	YumLists [][]string `json:"yum_lists,omitempty"`

	// How pages look. Default: as the instance's `pages` say.
	Pages page.Theme `json:"pages,omitzero"`

	documents redirector.Representations
	yum       []mirrorlist.YumRule
	torrentOf []redirector.PathRule
	look      *page.Look
	page      *mirrorlist.Page
	broken    []string
}

// Publisher is who publishes the files.
type Publisher struct {
	Name string `json:"name,omitempty"`
	URL  string `json:"url,omitempty"`
}

func (s *DocumentSettings) setDocumentDefaults() {
	defPtr(&s.DocumentExemptions, true)
	defPtr(&s.MetalinkMirrors, 30)
	defPtr(&s.FolderCoverage, 0.9)
	def(&s.DocumentMaxAge, caddy.Duration(5*time.Minute))
	def(&s.MetalinkAlternates, caddy.Duration(24*time.Hour))
}

// provideDocuments checks the settings and prepares what documents are made with.
func (s *DocumentSettings) provideDocuments(repl *caddy.Replacer) error {
	s.documents = redirector.AllRepresentations.Without(redirector.AsFile)
	if len(s.Documents) > 0 {
		s.documents = 0
	}
	for _, name := range s.Documents {
		as, ok := redirector.ParseRepresentation(name)
		switch {
		case ok:
			s.documents = s.documents.With(as)
		case name != "off" || len(s.Documents) > 1:
			return fmt.Errorf("documents: there is no %q; see the table of documents, or say off alone", name)
		}
	}
	for _, path := range s.MetalinkTorrent {
		if path == "on" {
			path = "/"
		}
		rule, err := redirector.CompilePathRule(path)
		if err != nil {
			return fmt.Errorf("metalink_torrent: %w", err)
		}
		s.torrentOf = append(s.torrentOf, rule)
	}
	for _, args := range s.YumLists {
		rule, err := mirrorlist.ParseYumRule(args)
		if err != nil {
			return fmt.Errorf("yum_list: %w", err)
		}
		s.yum = append(s.yum, rule)
	}
	for _, raw := range s.BrokenMirrors {
		u, err := mirror.PublicURL(repl.ReplaceAll(raw, ""))
		if err != nil {
			return fmt.Errorf("broken_mirrors: %w", err)
		}
		s.broken = append(s.broken, u)
	}
	return nil
}

// provisionPages prepares the pages for people.
func (h *Handler) provisionPages(repl *caddy.Replacer) (err error) {
	if h.look, err = openPages(&h.Pages, h.rt, repl); err != nil {
		return err
	}
	h.page, err = mirrorlist.NewPage(h.look)
	return err
}

// namesTorrent reports whether the Metalink of a file names its torrent.
func (s *DocumentSettings) namesTorrent(path string) bool {
	for i := range s.torrentOf {
		if s.torrentOf[i].Match(path) {
			return true
		}
	}
	return false
}

func (s *DocumentSettings) validateDocuments() error {
	switch {
	case *s.MetalinkMirrors < 1 || *s.MetalinkMirrors > redirector.MaxDuplicates:
		return fmt.Errorf("metalink_mirrors: must be between 1 and %d, not %d", redirector.MaxDuplicates, *s.MetalinkMirrors)
	case !(*s.FolderCoverage >= 0 && *s.FolderCoverage <= 1):
		return fmt.Errorf("folder_coverage: must be between 0%% and 100%%, not %v", *s.FolderCoverage)
	case s.MetalinkPublisher != nil && s.MetalinkPublisher.Name == "":
		return errors.New("metalink_publisher: the name is missing")
	}
	for _, tier := range s.TorrentTrackers {
		for _, t := range tier {
			if u, err := url.Parse(t); err != nil || u.Host == "" || u.Scheme == "" {
				return fmt.Errorf("torrent_tracker: %q is not a URL such as udp://tracker.example.org:6969", t)
			}
		}
	}
	for _, n := range s.DHTNodes {
		if _, port, err := net.SplitHostPort(n); err != nil || port == "" {
			return fmt.Errorf("dht_node: %q is not host:port", n)
		}
	}
	return nil
}
