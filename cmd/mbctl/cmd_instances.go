package main

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// instanceDoc is one instance in JSON output.
type instanceDoc struct {
	Name     string `json:"name"`
	Default  bool   `json:"default"` // what is used without -b
	Database string `json:"database"`
	Root     string `json:"root"`
	Error    string `json:"error,omitempty"` // why it cannot be used
}

func newInstancesCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "instances",
		Short: "List the instances of the configuration file",
		Long: `Lists the instances of the configuration file, and marks with a star the one that
is used when none is asked for with -b or $MB. Piped, the columns are separated
by tabs: mark, name, database, root, what is wrong with it.`,
		Example: "  mbctl instances\n  mbctl --config two.toml instances --json",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.runInstances(cmd.Context()) },
	}
}

func (a *app) runInstances(_ context.Context) error {
	path := a.configFile()
	b, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading the configuration: %w", err)
	}
	docs, err := instancesOf(b, path)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(docs)
	}
	if len(docs) == 0 {
		a.say("%s has no instances: each is a table, as [main]", printable(path))
		return nil
	}
	var rows [][]string
	for _, d := range docs {
		mark := " "
		if d.Default {
			mark = "*"
		}
		rows = append(rows, []string{mark, d.Name, d.Database, d.Root, d.Error})
	}
	a.printTable(sheet{header: []string{"", "instance", "database", "root", "error"}, rows: rows})
	return nil
}

// instancesOf reads all instances of a configuration file, sorted by name.
func instancesOf(b []byte, path string) ([]instanceDoc, error) {
	var head map[string]any
	if err := toml.Unmarshal(b, &head); err != nil {
		return nil, fmt.Errorf("%s: %w", path, tomlError(err))
	}
	standard, _ := head["default"].(string)
	delete(head, "default")
	names := make([]string, 0, len(head))
	for name := range head {
		names = append(names, name)
	}
	slices.Sort(names)
	if standard == "" && len(names) == 1 {
		standard = names[0]
	}
	docs := []instanceDoc{}
	for _, name := range names {
		d := instanceDoc{Name: name, Default: name == standard}
		conf, err := parseConfig(b, path, name)
		if err == nil {
			d.Root = conf.Root
			d.Database, err = databaseText(conf.Database)
		}
		if err != nil {
			d.Error = err.Error()
		}
		docs = append(docs, d)
	}
	return docs, nil
}

// databaseText names a database, its password hidden, without looking at it.
func databaseText(url string) (string, error) {
	db, err := store.Open(url, store.Options{})
	if err != nil {
		return "", err
	}
	defer db.Close()
	return db.Describe(), nil
}
