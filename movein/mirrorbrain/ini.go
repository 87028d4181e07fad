package mirrorbrain

import (
	"fmt"
	"strings"
)

// section is one [name] of an INI file.
type section struct {
	name   string
	keys   []string // in order
	values map[string]string
}

func (s *section) get(key string) string {
	if s == nil {
		return ""
	}
	return s.values[key]
}

// parseINI reads a file as Python's ConfigParser does: "key = value" or
// "key: value", keys in any case, lines that begin with a blank continue the
// value, "#" and ";" begin comments at the start of a line, and " ;" within one.
func parseINI(text string) ([]*section, error) {
	var all []*section
	var now *section
	last := "" // key that a continued line belongs to
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimRight(line, " \t\r")
		switch trimmed := strings.TrimSpace(line); {
		case trimmed == "" || trimmed[0] == '#' || trimmed[0] == ';':
		case line[0] == ' ' || line[0] == '\t':
			if now == nil || last == "" {
				return nil, fmt.Errorf("line %d: continues nothing", n+1)
			}
			now.values[last] += "\n" + uncomment(trimmed)
		case line[0] == '[':
			name, _, closed := strings.Cut(line[1:], "]")
			if !closed {
				return nil, fmt.Errorf("line %d: a section without \"]\"", n+1)
			}
			now, last = find(all, name), ""
			if now == nil {
				now = &section{name: name, values: map[string]string{}}
				all = append(all, now)
			}
		default:
			at := strings.IndexAny(line, "=:")
			if at < 0 || now == nil {
				return nil, fmt.Errorf("line %d: neither a section nor \"key = value\" in one", n+1)
			}
			last = strings.ToLower(strings.TrimSpace(line[:at]))
			if _, again := now.values[last]; !again {
				now.keys = append(now.keys, last)
			}
			now.values[last] = uncomment(strings.TrimSpace(line[at+1:]))
		}
	}
	return all, nil
}

func uncomment(value string) string {
	for i := 1; i < len(value); i++ {
		if value[i] == ';' && (value[i-1] == ' ' || value[i-1] == '\t') {
			return strings.TrimSpace(value[:i])
		}
	}
	return value
}

func find(all []*section, name string) *section {
	for _, s := range all {
		if s.name == name {
			return s
		}
	}
	return nil
}
