package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/holding"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

func newMarkersCommand(a *app) *cobra.Command {
	var edit bool
	var delimiter string
	list := func(cmd *cobra.Command, _ []string) error {
		if edit {
			return a.editMarkers(cmd.Context())
		}
		return a.listMarkers(cmd.Context(), delimiter)
	}
	cmd := &cobra.Command{
		Use:   "markers",
		Short: "Name groups of paths, shown as columns of the mirror list",
		Long: `A marker is a name and paths that a mirror must all have; 'mbctl mirrorlist' has a
column for each, with a mark at the mirrors that have them. A path is a file, or
a folder of which the mirror has something. It is read from the top of the tree;
* and ? stand for any characters of a name, ** for any number of folders, and "!"
before it says that the mirror must not have it. Only current versions count.

Without a subcommand the markers are listed.`,
		Example: `  mbctl markers set ISOs 'iso/*.iso' iso/SHA256SUMS
  mbctl markers set 'No debug' '!debug/**'
  mbctl markers
  mbctl markers edit`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("%s: unknown command %q", c.CommandPath(), args[0])
			}
			return nil
		},
		RunE: list,
	}
	cmd.Flags().BoolVarP(&edit, "edit", "e", false, "the same as 'markers edit'")
	cmd.Flags().StringVarP(&delimiter, "delimiter", "d", " ", "`TEXT` between the paths of a marker")
	cmd.AddCommand(
		&cobra.Command{
			Use: "list", Short: "List the markers and their paths", Example: "  mbctl markers list --json", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error { return a.listMarkers(cmd.Context(), " ") },
		},
		a.newMarkersSet(), a.newMarkersRemove(),
		&cobra.Command{
			Use: "edit", Short: "Change all markers, and their order, in the editor", Example: "  mbctl markers edit", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error { return a.editMarkers(cmd.Context()) },
		},
	)
	return cmd
}

func (a *app) newMarkersSet() *cobra.Command {
	return &cobra.Command{
		Use:               "set NAME PATH...",
		Short:             "Store a marker, or give it other paths",
		Example:           "  mbctl markers set ISOs 'iso/*.iso'",
		Args:              cobra.MinimumNArgs(2),
		ValidArgsFunction: a.completeMarkers,
		RunE: func(cmd *cobra.Command, args []string) error {
			m := store.Marker{Name: args[0], Paths: args[1:]}
			if _, err := holding.NewMarker(&m); err != nil {
				return usagef("%w", err)
			}
			db, err := a.store(cmd.Context())
			if err != nil {
				return err
			}
			if err := db.PutMarker(cmd.Context(), m, who()); err != nil {
				return err
			}
			if a.json {
				return a.printJSON(markerDocs([]store.Marker{m}))
			}
			a.say("%s: stored with %s", printable(m.Name), plural(len(m.Paths), "path"))
			return nil
		},
	}
}

func (a *app) newMarkersRemove() *cobra.Command {
	return &cobra.Command{
		Use:               "rm NAME",
		Short:             "Remove a marker",
		Example:           "  mbctl markers rm ISOs",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeMarkers,
		RunE: func(cmd *cobra.Command, args []string) error {
			db, err := a.store(cmd.Context())
			if err != nil {
				return err
			}
			err = db.DeleteMarker(cmd.Context(), args[0], who())
			if errors.Is(err, store.ErrNotFound) {
				return fmt.Errorf("there is no marker %q: 'mbctl markers' lists them", args[0])
			}
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(map[string]any{"name": args[0], "deleted": true})
			}
			a.say("%s: removed", printable(args[0]))
			return nil
		},
	}
}

type markerDoc struct {
	Name  string   `json:"name"`
	Paths []string `json:"paths"`
}

func markerDocs(list []store.Marker) []markerDoc {
	docs := []markerDoc{}
	for _, m := range list {
		docs = append(docs, markerDoc{m.Name, m.Paths})
	}
	return docs
}

func (a *app) listMarkers(ctx context.Context, delimiter string) error {
	db, err := a.store(ctx)
	if err != nil {
		return err
	}
	list, err := db.Markers(ctx)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(markerDocs(list))
	}
	if len(list) == 0 && !a.quiet {
		fmt.Fprintln(a.err, "There are no markers yet. Add one: mbctl markers set NAME PATH...")
	}
	var rows [][]string
	for _, m := range list {
		rows = append(rows, []string{m.Name, strings.Join(m.Paths, delimiter)})
	}
	if len(rows) > 0 {
		a.printTable(sheet{header: []string{"marker", "paths"}, rows: rows})
	}
	return nil
}

const markersHead = `# The markers in the order of their columns: a name, and below it its paths.
# Save and leave the editor; you will be asked before they are stored.
`

// editMarkers opens all markers in the editor until they are valid and the
// change is confirmed, or given up.
func (a *app) editMarkers(ctx context.Context) error {
	db, err := a.store(ctx)
	if err != nil {
		return err
	}
	list, err := db.Markers(ctx)
	if err != nil {
		return err
	}
	before, err := markersText(list)
	if err != nil {
		return err
	}
	in := bufio.NewReader(a.in)
	for text, problem := before, ""; ; {
		if text, err = a.editFile(ctx, "markers.yaml", markersHead, text, problem); err != nil {
			return err
		}
		edited, err := parseMarkers(text)
		if err != nil {
			fmt.Fprintln(a.err, printable(err.Error()))
			if !a.ask(in, "Edit again? [Y/n] ", true) {
				return errors.New("markers: given up, nothing was stored")
			}
			problem = err.Error()
			continue
		}
		after, err := markersText(edited)
		if err != nil {
			return err
		}
		if bytes.Equal(after, before) {
			a.say("markers: %v", errUnchanged)
			return nil
		}
		fmt.Fprintf(a.out, "%s", changedLines(before, after))
		if !a.ask(in, "Store this? [y/N] ", false) {
			return errors.New("markers: given up, nothing was stored")
		}
		return db.SetMarkers(ctx, edited, who())
	}
}

// markersText writes markers as a YAML mapping, whose order counts.
func markersText(list []store.Marker) ([]byte, error) {
	top := &yaml.Node{Kind: yaml.MappingNode}
	for _, m := range list {
		var k, v yaml.Node
		if err := errors.Join(k.Encode(m.Name), v.Encode(m.Paths)); err != nil {
			return nil, err
		}
		top.Content = append(top.Content, &k, &v)
	}
	if len(list) == 0 {
		return []byte("# NAME:\n#   - folder/file\n#   - '!not/this'\n"), nil
	}
	return yaml.Marshal(top)
}

func parseMarkers(text []byte) (list []store.Marker, err error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, yamlError("markers", err)
	}
	if len(doc.Content) == 0 || doc.Content[0].ShortTag() == "!!null" {
		return nil, nil
	}
	top := doc.Content[0]
	if top.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("line %d: write NAME: and below it a line '- PATH' for each path", top.Line)
	}
	for i := 0; i+1 < len(top.Content); i += 2 {
		k, v := top.Content[i], top.Content[i+1]
		m := store.Marker{Name: k.Value}
		if err := readValue("paths", v, reflect.ValueOf(&m.Paths).Elem()); err != nil {
			return nil, fmt.Errorf("line %d: %w", v.Line, err)
		}
		if _, err := holding.NewMarker(&m); err != nil {
			return nil, fmt.Errorf("line %d: %w", k.Line, err)
		}
		if slices.ContainsFunc(list, func(o store.Marker) bool { return o.Name == m.Name }) {
			return nil, fmt.Errorf("line %d: marker %q comes twice", k.Line, m.Name)
		}
		list = append(list, m)
	}
	return list, nil
}

// completeMarkers offers the names of markers to the shell.
func (a *app) completeMarkers(cmd *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	a.quietly(cmd.Context(), func(ctx context.Context, db *store.Store) error {
		list, err := db.Markers(ctx)
		for _, m := range list {
			if strings.HasPrefix(m.Name, start) {
				names = append(names, m.Name)
			}
		}
		return err
	})
	return names, cobra.ShellCompDirectiveNoFileComp
}
