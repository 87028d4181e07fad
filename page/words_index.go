package page

// IndexWords are those of the index of a folder.
type IndexWords struct {
	Title string `json:"title"` // of the page; %s: path of the folder
}
