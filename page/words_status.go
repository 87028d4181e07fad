package page

// StatusWords are those of the pages about the mirrors and their state.
type StatusWords struct {
	Title string `json:"title"` // of the page
}
