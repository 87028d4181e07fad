package main

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// yamlHead is the first line of a file that `export yaml` keeps. Files without
// it are not ours to remove.
const yamlHead = "# A mirror, written by 'mbctl export yaml'; 'mbctl import' reads it."

// The values of the key "enabled".
const (
	enabledYes       = "true"
	enabledNo        = "false"
	enabledAfterScan = "after-scan"
)

// enabledWord is what stands for a mirror's switch.
func enabledWord(m *mirror.Mirror) string {
	switch {
	case m.Enabled:
		return enabledYes
	case m.EnableAfterScan:
		return enabledAfterScan
	}
	return enabledNo
}

// setting is a field of settings by its key.
type setting struct {
	key   string
	index int
}

// settingFields are the fields of settings in their order, by the keys that
// TOML, JSON and YAML share.
var settingFields = func() (list []setting) {
	for i := range reflect.TypeFor[settings]().NumField() {
		list = append(list, setting{reflect.TypeFor[settings]().Field(i).Tag.Get("json"), i})
	}
	return list
}()

// defaultSettings are those of a mirror of which nothing is said.
func defaultSettings() settings { return settingsOf(&mirror.Mirror{Score: defaultScore}) }

const defaultScore = 100

// mirrorYAML writes a mirror as one document: what differs from the defaults,
// in a fixed order, without passwords.
func mirrorYAML(m *mirror.Mirror) ([]byte, error) {
	s := settingsOf(m)
	secrets := s.takeSecrets()
	doc := &yaml.Node{Kind: yaml.MappingNode}
	add := func(key string, value any) error {
		k, v := &yaml.Node{Kind: yaml.ScalarNode, Value: key}, &yaml.Node{}
		if err := v.Encode(value); err != nil {
			return fmt.Errorf("mirror %s: %s: %w", m.Name, key, err)
		}
		if v.Kind == yaml.SequenceNode && shortItems(v) {
			v.Style = yaml.FlowStyle
		}
		for _, f := range secrets {
			if f.key == key {
				k.HeadComment = "# Its password is not exported: " + f.mend + "."
			}
		}
		doc.Content = append(doc.Content, k, v)
		return nil
	}
	if err := add("name", m.Name); err != nil {
		return nil, err
	}
	doc.Content = append(doc.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: "enabled"}, &yaml.Node{Kind: yaml.ScalarNode, Value: enabledWord(m)})
	usual := defaultSettings()
	have, plain := reflect.ValueOf(s), reflect.ValueOf(usual)
	for _, f := range settingFields {
		value := have.Field(f.index)
		if f.key != "score" && reflect.DeepEqual(value.Interface(), plain.Field(f.index).Interface()) {
			continue
		}
		if err := add(f.key, value.Interface()); err != nil {
			return nil, err
		}
	}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(doc); err != nil {
		return nil, fmt.Errorf("mirror %s: %w", m.Name, err)
	}
	return b.Bytes(), enc.Close()
}

// shortItems says of a list that it reads well on one line: words and numbers.
func shortItems(list *yaml.Node) bool {
	return len(list.Content) <= 12 && !slices.ContainsFunc(list.Content, func(n *yaml.Node) bool {
		return len(n.Value) > 18 || strings.ContainsAny(n.Value, "/: \n")
	})
}
