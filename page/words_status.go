package page

// StatusWords are those of the pages about the mirrors and their state.
type StatusWords struct {
	Title   string `json:"title"`   // of the page with all mirrors
	Partial string `json:"partial"` // the database is away
	Badge   string `json:"badge"`   // left part of the badge about all mirrors

	Up        string `json:"up"`        // below a number of mirrors; %s: how many there are
	Countries string `json:"countries"` // below a number of countries
	Covered   string `json:"covered"`   // below the share of the tree that mirrors that are up have
	Copies    string `json:"copies"`    // below how many mirrors have a file, on average

	Map      string            `json:"map"`      // what the map is
	OffMap   Count             `json:"off_map"`  // how many mirrors are not on it
	MapMore  string            `json:"map_more"` // %d: mirrors at one place that are not named
	States   map[string]string `json:"states"`
	Classes  map[string]string `json:"classes"` // of states, in a word or two
	Reasons  map[string]string `json:"reasons"`
	Problems map[string]string `json:"problems"` // why a scan failed
	Since    string            `json:"since"`    // %s: how long ago something began

	Columns    map[string]string `json:"columns"`
	SortedBy   string            `json:"sorted_by"` // %s: a column
	Filter     string            `json:"filter"`    // heading
	Any        string            `json:"any"`       // of a choice
	Protocol   string            `json:"protocol"`  // what is chosen
	Search     string            `json:"search"`
	Show       string            `json:"show"` // the button
	All        string            `json:"all"`  // link back to all mirrors
	Shown      string            `json:"shown"`
	None       string            `json:"none"`        // no mirror passes the filter
	NoMirrors  string            `json:"no_mirrors"`  // there are none at all
	Unknown    string            `json:"unknown"`     // not known
	Never      string            `json:"never"`       // scanned
	UpToDate   string            `json:"up_to_date"`  // of a copy
	Behind     string            `json:"behind"`      // %s: for how long
	Failed     string            `json:"failed"`      // of a scan
	Succeeded  string            `json:"succeeded"`   // likewise
	LastFailed string            `json:"last_failed"` // the last scan failed

	Facts     string `json:"facts"`      // heading
	Operator  string `json:"operator"`   // label
	Place     string `json:"place"`      // label
	Addresses string `json:"addresses"`  // label
	Subtree   string `json:"subtree"`    // label: the part of the tree that it has
	Notes     string `json:"notes"`      // label
	URLs      string `json:"urls"`       // heading
	Rsync     string `json:"rsync"`      // for what is no link
	Lacks     string `json:"lacks"`      // %[1]s of %[2]s files are missing
	LacksNone string `json:"lacks_none"` // it has all files
	Newest    string `json:"newest"`     // it has the newest file
	Oldest    string `json:"oldest"`     // %s: it lacks what came since then
	OfBytes   string `json:"of_bytes"`   // %s: share of the traffic of 30 days
	Folders   string `json:"folders"`    // heading
	Markers   string `json:"markers"`    // heading

	Past        string            `json:"past"` // heading
	Ranges      map[string]string `json:"ranges"`
	RangesLabel string            `json:"ranges_label"`
	StatesTitle string            `json:"states_title"` // of a chart
	StatesSay   string            `json:"states_say"`   // %s: share of the time in which it was up
	CoverTitle  string            `json:"cover_title"`
	CoverSay    string            `json:"cover_say"` // %[1]s least, %[2]s most, %[3]s last
	TimeTitle   string            `json:"time_title"`
	TimeSay     string            `json:"time_say"` // %[1]s median, %[2]s slowest
	ScansTitle  string            `json:"scans_title"`
	ScansSay    string            `json:"scans_say"` // %[1]s good ones, %[2]s failed ones
	NoData      string            `json:"no_data"`
	Changes     string            `json:"changes"` // heading: changes of the state
	Scans       string            `json:"scans"`   // heading: the last scans
	ScanColumns map[string]string `json:"scan_columns"`
}
