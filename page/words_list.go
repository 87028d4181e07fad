package page

// ListWords are those of the list of a file's mirrors.
type ListWords struct {
	Title     string `json:"title"`     // of the page; %s: name of the file
	Size      string `json:"size"`      // %s: exact number
	Digests   string `json:"digests"`   // heading
	Signature string `json:"signature"` // %s: suffix of the signature's file
	Download  string `json:"download"`  // the button
	From      string `json:"from"`      // %s: name of the mirror it leads to
	FromAny   string `json:"from_any"`  // the button leads to the redirector
	Other     string `json:"other"`     // heading: other ways to get the file
	Mirrors   string `json:"mirrors"`   // heading
	ForAll    string `json:"for_all"`   // the list is not for anyone in particular
	None      string `json:"none"`      // no source
	NoneLink  string `json:"none_link"` // link to the file itself then

	Client        string `json:"client"`         // who the client is seen to be; %s: some of the next, joined by commas
	ClientAt      string `json:"client_at"`      // %s: address
	ClientIn      string `json:"client_in"`      // %s: country or continent
	ClientPrefix  string `json:"client_prefix"`  // %s: network
	ClientAS      string `json:"client_as"`      // %d: number
	ClientUnknown string `json:"client_unknown"` // nothing is known of it

	Chosen string            `json:"chosen"` // why the first one is; %[1]s: its name, %[2]s: one of the reasons
	Why    map[string]string `json:"why"`    // reasons by realm
	Shared string            `json:"shared"` // %d mirrors share such requests; said when more than one does
	Share  string            `json:"share"`  // what a percentage is of, in a word or two

	Realms        map[string]string `json:"realms"`      // headings of groups by realm
	Nowhere       string            `json:"nowhere"`     // heading of mirrors whose continent is not known
	Excluded      string            `json:"excluded"`    // heading: mirrors that are out
	Explained     string            `json:"explained"`   // heading: why the first one is
	OutCountry    string            `json:"out_country"` // column: of a mirror that is out
	OutReason     string            `json:"out_reason"`  // column: why it is
	Settings      string            `json:"settings"`    // column: names of settings
	SettingValue  string            `json:"setting_value"`
	SettingEffect string            `json:"setting_effect"`

	Documents map[string]string `json:"documents"` // labels by kind
	Hints     map[string]string `json:"hints"`     // what the documents are for, in a few words
}
