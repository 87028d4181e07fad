package page

import "regexp"

var (
	aroundSigns = regexp.MustCompile(`\s*([{};,])\s*`)
	afterColons = regexp.MustCompile(`:\s+`)
)

// squeeze takes out of a style sheet of ours what only people need: a sixth of
// it, on every page. It is not for CSS of others, which may have such signs in
// strings.
func squeeze(css string) string {
	css = aroundSigns.ReplaceAllString(css, "$1")
	return afterColons.ReplaceAllString(css, ":") + "\n"
}
