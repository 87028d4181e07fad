package worldmap

import (
	"html/template"
	"strconv"
)

// Legend is a list of the classes that are on the map, each with its shape, the
// word that is given for it, and, where there are several, how many points are
// of it. Classes without a word are left out; without any the legend is empty.
func (m *Map) Legend(words map[Class]string) template.HTML {
	var counts [len(classes)]int
	for i := range m.Points {
		if _, _, ok := m.Points[i].project(); ok {
			counts[layer(m.Points[i].Class.known())]++
		}
	}
	var b []byte
	for i := len(classes) - 1; i >= 0; i-- {
		if counts[i] > 0 && words[classes[i]] != "" {
			b = appendKey(b, classes[i], words[classes[i]], counts[i])
		}
	}
	if b == nil {
		return ""
	}
	return template.HTML(`<ul class="mirrorbrain-map-legend">` + string(b) + "</ul>") //nolint:gosec // the words are escaped
}

func appendKey(dst []byte, c Class, word string, count int) []byte {
	dst = append(dst, `<li><svg class="mirrorbrain-map-key" viewBox="`...)
	box := "-13 -13 26 26"
	switch c {
	case ClassClient: // a pin stands above its place
		box = "-28 -52 56 56"
	case ClassBest:
		box = "-19 -19 38 38"
	default:
	}
	dst = append(append(dst, box...), `" aria-hidden="true"><g class="mirrorbrain-map-`...)
	dst = append(append(append(dst, c...), `">`...), shapes[c]...)
	dst = append(dst, "</g></svg> "...)
	dst = appendText(dst, word)
	if count > 1 {
		dst = append(dst, ` <span class="mirrorbrain-count">`...)
		dst = append(strconv.AppendInt(dst, int64(count), 10), "</span>"...)
	}
	return append(dst, "</li>"...)
}
