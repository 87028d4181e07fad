package page

// IndexWords are those of the index of a folder.
type IndexWords struct {
	Title   string `json:"title"`   // of the page; %s: path of the folder
	Top     string `json:"top"`     // the folder above which there is none
	Above   string `json:"above"`   // what the links to the folders above are, for those who do not see it
	Caption string `json:"caption"` // of the table; %s: path of the folder
	Parent  string `json:"parent"`  // link to the folder above

	Folders Count  `json:"folders"`
	Files   Count  `json:"files"`
	Entries Count  `json:"entries"` // files and folders
	Below   string `json:"below"`   // all that a folder holds, in all depths; %[1]s: size, %[2]s: files
	Empty   string `json:"empty"`   // there is nothing in the folder

	Name     string `json:"name"` // columns
	Size     string `json:"size"`
	Modified string `json:"modified"`
	Mirrors  string `json:"mirrors"`
	More     string `json:"more"`     // ways to get a file, or how many a folder has
	Mirror   string `json:"mirror"`   // follows 1
	Several  string `json:"several"`  // follows a number of mirrors
	Metalink string `json:"metalink"` // link to a file's Metalink

	Search      string `json:"search"`       // the button
	SearchLabel string `json:"search_label"` // of the field
	SearchTitle string `json:"search_title"` // of the page; %[1]s: what was searched for, %[2]s: path of the folder
	Found       Count  `json:"found"`
	Nothing     string `json:"nothing"` // was found
	Ended       string `json:"ended"`   // the search ended before it had seen all
	Back        string `json:"back"`    // link from what was found to the folder

	Pattern  string `json:"pattern"` // some names are left out; %s: glob
	All      string `json:"all"`     // link to the folder with all names then
	Part     string `json:"part"`    // %[1]s to %[2]s of %[3]s entries
	Cut      string `json:"cut"`     // there are more entries than are shown
	Parts    string `json:"parts"`   // what the next two links lead to, for those who do not see it
	Previous string `json:"previous"`
	Next     string `json:"next"`
}
