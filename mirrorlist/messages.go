package mirrorlist

// Messages are all the words of the pages in one language. Those with a verb of
// package fmt say what goes there; a translation keeps the verbs, and may give
// several of them another order (%[2]s).
type Messages struct {
	Lang      string // BCP 47 language tag
	Thousands string // separator in whole numbers
	Decimal   string

	Title     string // of the page; %s: name of the file
	Size      string // %s: exact number
	Digests   string // heading
	Signature string // %s: suffix of the signature's file
	Download  string // the button
	From      string // %s: name of the mirror it leads to
	FromAny   string // the button leads to the redirector
	Other     string // heading: other ways to get the file
	Mirrors   string // heading
	ForAll    string // the list is not for anyone in particular
	None      string // no source
	NoneLink  string // link to the file itself then

	Client        string // who the client is seen to be; %s: some of the next, joined by commas
	ClientAt      string // %s: address
	ClientIn      string // %s: country or continent
	ClientPrefix  string // %s: network
	ClientAS      string // %d: number
	ClientUnknown string // nothing is known of it

	Chosen string            // why the first one is; %[1]s: its name, %[2]s: one of the reasons
	Why    map[string]string // reasons by realm
	Shared string            // %d mirrors share such requests; said when more than one does
	Share  string            // what a percentage is of, in a word or two

	Realms     map[string]string // headings of groups by realm; %s: what Detail gives
	Nowhere    string            // heading of mirrors whose continent is not known
	Excluded   string            // heading: mirrors that are out
	Explained  string            // heading: why the first one is
	OutCountry string            // column: of a mirror that is out
	OutReason  string            // column: why it is
	Settings   string            // column: names of settings
	// SettingValue and SettingEffect are the columns beside it.
	SettingValue, SettingEffect string
	Continents                  map[string]string // names by code
	// Country names a country by its code, which may be one that does not exist.
	Country func(code string) string

	Documents map[Kind]string // labels
	Hints     map[Kind]string // what the documents are for, in a few words
	Footer    string          // %s: when the list was made
	Programs  string          // link to the same list for programs
}

// English are the messages that pages have unless others are given.
func English() *Messages {
	return &Messages{
		Lang: "en", Thousands: ",", Decimal: ".",

		Title:     "Mirrors of %s",
		Size:      "%s bytes",
		Digests:   "Checksums",
		Signature: "OpenPGP signature (%s)",
		Download:  "Download",
		From:      "from %s",
		FromAny:   "from the mirror that suits you",
		Other:     "Other ways to get it",
		Mirrors:   "Mirrors",
		ForAll:    "All mirrors that have this file, irrespective of who asks.",
		None:      "No mirror is known to have this file now.",
		NoneLink:  "Get it from this server",

		Client:        "You are seen as a client %s.",
		ClientAt:      "at %s",
		ClientIn:      "in %s",
		ClientPrefix:  "network %s",
		ClientAS:      "AS%d",
		ClientUnknown: "whose place is not known",

		Chosen: "%[1]s comes first because it is %[2]s.",
		Why: map[string]string{
			"prefix":        "in your network",
			"as":            "in your autonomous system",
			"country":       "in your country",
			"other_country": "meant to serve your country, too",
			"region":        "on your continent",
			"world":         "one of those that have the file",
			"fallback":      "a server that has everything, and no mirror can be used",
			"origin":        "where the files come from, and no mirror can be used",
		},
		Shared: "Requests like yours are shared by %d mirrors.",
		Share:  "of requests",

		Realms: map[string]string{
			"prefix":        "In your network",
			"as":            "In your autonomous system",
			"country":       "In your country",
			"other_country": "Also serving your country",
			"region":        "On your continent",
			"world":         "Elsewhere",
			"fallback":      "Servers that have everything",
			"origin":        "Origin",
		},
		Nowhere:    "Place not known",
		Excluded:   "Mirrors that are out",
		Explained:  "Why this one?",
		OutCountry: "Country",
		OutReason:  "Because",
		Settings:   "Setting", SettingValue: "Value", SettingEffect: "Here",
		Continents: map[string]string{"af": "Africa", "an": "Antarctica", "as": "Asia", "eu": "Europe", "na": "North America", "oc": "Oceania", "sa": "South America"},
		Country:    englishCountry,

		Documents: map[Kind]string{
			KindMeta4: "Metalink 4", KindMetalink: "Metalink 3", KindTorrent: "Torrent", KindMagnet: "Magnet link", KindZSync: "zsync",
			KindMD5: "MD5", KindSHA1: "SHA-1", KindSHA256: "SHA-256", KindSHA512: "SHA-512", KindBTIH: "BitTorrent info hash",
			KindSignature: "Signature", KindJSON: "JSON",
		},
		Hints: map[Kind]string{
			KindMeta4:    "for download managers: many mirrors at once, each piece checked",
			KindMetalink: "for older download managers",
			KindTorrent:  "for BitTorrent clients, with the mirrors as seeds",
			KindMagnet:   "opens in a BitTorrent client",
			KindZSync:    "fetches only what differs from a copy you have",
		},
		Footer:   "As of %s.",
		Programs: "This list as JSON",
	}
}
