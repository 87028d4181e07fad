package worldmap

// Class says what a point is. Each has a shape of its own, so that nobody needs
// to tell them by their colours, and is drawn in elements of the CSS class
// "mirrorbrain-map-" and its name.
type Class string

// The classes. What is no class is drawn as ClassMirror.
const (
	ClassMirror Class = "mirror" // a mirror: a disc
	ClassBest   Class = "best"   // the first choice: a disc with a ring around it
	ClassLate   Class = "late"   // a mirror that something is the matter with: a triangle
	ClassOut    Class = "out"    // a mirror that does not count here: a ring
	ClassDown   Class = "down"   // a mirror that cannot be reached: a cross
	ClassOrigin Class = "origin" // where the files come from: a square
	ClassClient Class = "client" // who asks: a pin
)

// classes has all of them in the order in which they are drawn, the last on top.
var classes = [...]Class{ClassOut, ClassDown, ClassLate, ClassMirror, ClassOrigin, ClassBest, ClassClient}

// shapes are around 0,0, in units of the map.
var shapes = map[Class]string{
	ClassMirror: `<circle r="8"/>`,
	ClassBest:   `<circle class="mirrorbrain-map-ring" r="17"/><circle r="9.5"/>`,
	ClassLate:   `<path d="M0-11 10.5 8h-21z"/>`,
	ClassOut:    `<circle class="mirrorbrain-map-hollow" r="7"/>`,
	ClassDown:   `<path class="mirrorbrain-map-line" d="M-7-7 7 7M-7 7 7-7"/>`,
	ClassOrigin: `<path d="M-9-9H9V9H-9z"/>`,
	ClassClient: `<path d="M0 0C-6-15-16-20-16-33a16 16 0 1 1 32 0C16-20 6-15 0 0z"/><circle class="mirrorbrain-map-eye" cy="-33" r="6"/>`,
}

// known gives a class that there is.
func (c Class) known() Class {
	if shapes[c] == "" {
		return ClassMirror
	}
	return c
}

// alone reports whether points of the class are drawn one by one, wherever they
// are: those that a reader looks for.
func (c Class) alone() bool {
	return c == ClassClient || c == ClassBest || c == ClassOrigin
}
