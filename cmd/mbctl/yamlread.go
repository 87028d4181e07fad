package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// maxYAML is the size of the largest file that is read: many times that of
// thousands of mirrors.
const maxYAML = 16 << 20

// yamlMirror is a mirror as a file has it.
type yamlMirror struct {
	at       string // FILE:LINE
	file     string
	name     string
	enabled  string // one of the values of the key, "" when the file does not say
	settings settings
	has      map[string]int // the keys that are there, and their lines
}

// readYAML reads all mirrors of a file. It is strict: what it does not know, or
// what is of another kind than it should be, is an error with its line. All
// errors of the file are told at once.
func readYAML(file string, data []byte) (list []yamlMirror, err error) {
	if len(data) > maxYAML {
		return nil, fmt.Errorf("%s: %d bytes are too many for a file of mirrors", file, len(data))
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var problems []error
	for {
		var doc yaml.Node
		if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			problems = append(problems, yamlError(file, err))
			break
		}
		m, errs := readYAMLMirror(file, &doc)
		problems = append(problems, errs...)
		if m != nil {
			list = append(list, *m)
		}
	}
	return list, errors.Join(problems...)
}

var yamlLine = regexp.MustCompile(`^yaml: line (\d+): `)

// yamlError puts the library's line where all others are.
func yamlError(file string, err error) error {
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		return fmt.Errorf("%s:%s: %s", file, m[1], strings.TrimPrefix(err.Error(), m[0]))
	}
	return fmt.Errorf("%s: %s", file, strings.TrimPrefix(err.Error(), "yaml: "))
}

// readYAMLMirror reads one document; nil, nil for one with nothing in it.
func readYAMLMirror(file string, doc *yaml.Node) (*yamlMirror, []error) {
	if len(doc.Content) != 1 {
		return nil, nil
	}
	top := doc.Content[0]
	if top.Kind == yaml.ScalarNode && top.ShortTag() == "!!null" {
		return nil, nil
	}
	var problems []error
	bad := func(n *yaml.Node, format string, args ...any) {
		problems = append(problems, fmt.Errorf("%s:%d: %w", file, n.Line, fmt.Errorf(format, args...)))
	}
	m := &yamlMirror{at: fmt.Sprintf("%s:%d", file, top.Line), file: file, settings: defaultSettings(), has: map[string]int{}}
	if top.Kind != yaml.MappingNode {
		bad(top, "a mirror is written as lines of KEY: VALUE")
		return nil, problems
	}
	for i := 0; i+1 < len(top.Content); i += 2 {
		k, v := top.Content[i], top.Content[i+1]
		switch key := k.Value; {
		case k.Kind != yaml.ScalarNode || m.has[key] != 0:
			bad(k, "%q comes twice, or is no name of a setting", key)
		default:
			if err := m.read(key, v); err != nil {
				bad(v, "%w", err)
			}
			m.has[key] = k.Line
		}
	}
	if err := mirror.ValidName(m.name); err != nil && len(problems) == 0 {
		bad(top, "%w", err)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return m, nil
}

// read takes the value of one key.
func (m *yamlMirror) read(key string, v *yaml.Node) error {
	switch key {
	case "name":
		return readText(key, v, reflect.ValueOf(&m.name).Elem())
	case "enabled":
		if v.Kind == yaml.ScalarNode && v.Anchor == "" {
			switch v.Value {
			case enabledYes, enabledNo, enabledAfterScan:
				m.enabled = v.Value
				return nil
			}
		}
		return fmt.Errorf("enabled: must be true, false or after-scan")
	}
	for _, f := range settingFields {
		if f.key == key {
			return readValue(key, v, reflect.ValueOf(&m.settings).Elem().Field(f.index))
		}
	}
	return fmt.Errorf("there is no setting %q", key)
}

// readValue reads into a field of settings. No value at all is the default.
func readValue(key string, v *yaml.Node, to reflect.Value) error {
	switch {
	case v.Kind == yaml.AliasNode || v.Anchor != "":
		return fmt.Errorf("%s: anchors and aliases are not read here", key)
	case v.Kind == yaml.ScalarNode && v.ShortTag() == "!!null":
		return nil
	}
	switch to.Kind() {
	case reflect.Pointer:
		p := reflect.New(to.Type().Elem())
		if err := readValue(key, v, p.Elem()); err != nil {
			return err
		}
		to.Set(p)
		return nil
	case reflect.Slice:
		return readList(key, v, to)
	case reflect.String:
		return readText(key, v, to)
	default:
		return readPlain(key, v, to)
	}
}

func readList(key string, v *yaml.Node, to reflect.Value) error {
	if v.Kind != yaml.SequenceNode {
		return fmt.Errorf("%s: must be a list: [A, B], or a line '- A' for each", key)
	}
	list := reflect.MakeSlice(to.Type(), len(v.Content), len(v.Content))
	for i, item := range v.Content {
		if item.Kind == yaml.ScalarNode && item.ShortTag() == "!!null" {
			return fmt.Errorf("%s: has an item that is empty", key)
		}
		if err := readValue(key, item, list.Index(i)); err != nil {
			return err
		}
	}
	to.Set(list)
	return nil
}

// readText takes numbers and dates as they are written: a comment may be 2026.
func readText(key string, v *yaml.Node, to reflect.Value) error {
	if v.Kind == yaml.ScalarNode && v.Anchor == "" {
		switch v.ShortTag() {
		case "!!str", "!!int", "!!float", "!!timestamp":
			to.SetString(v.Value)
			return nil
		case "!!binary": // a path that is not UTF-8
			if b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(v.Value), "")); err == nil {
				to.SetString(string(b))
				return nil
			}
		}
	}
	return fmt.Errorf("%s: must be text, in quotes if need be", key)
}

// readPlain reads numbers and true or false.
func readPlain(key string, v *yaml.Node, to reflect.Value) error {
	tag := ""
	if v.Kind == yaml.ScalarNode {
		tag = v.ShortTag()
	}
	switch to.Kind() {
	case reflect.Bool:
		if b, err := strconv.ParseBool(v.Value); err == nil && tag == "!!bool" {
			to.SetBool(b)
			return nil
		}
		return fmt.Errorf("%s: must be true or false", key)
	case reflect.Int:
		if n, err := strconv.ParseInt(v.Value, 10, 32); err == nil && tag == "!!int" {
			to.SetInt(n)
			return nil
		}
	case reflect.Uint32:
		if n, err := strconv.ParseUint(v.Value, 10, 32); err == nil && tag == "!!int" {
			to.SetUint(n)
			return nil
		}
	case reflect.Float64:
		if x, err := strconv.ParseFloat(v.Value, 64); err == nil && (tag == "!!float" || tag == "!!int") {
			to.SetFloat(x)
			return nil
		}
	default:
		return fmt.Errorf("%s: is of no kind that can be read", key)
	}
	return fmt.Errorf("%s: must be a number", key)
}
