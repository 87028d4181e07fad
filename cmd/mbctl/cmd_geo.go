package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/geoip"
)

func newGeoCommand(a *app) *cobra.Command {
	show := &cobra.Command{
		Use: "show", Short: "Print the rules about places", Example: "  mbctl geo show > geo.rules", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.showGeo(cmd.Context()) },
	}
	edit := &cobra.Command{
		Use: "edit", Short: "Change the rules about places in the editor", Example: "  mbctl geo edit", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.editGeo(cmd.Context()) },
	}
	imp := &cobra.Command{
		Use: "import FILE", Short: "Replace the rules about places by those of a file",
		Long: `Replaces the rules about places by those of a file (- is standard input). When a
line is not valid, nothing is stored. An empty file takes all rules away.`,
		Example: "  mbctl geo import geo.rules\n  generate-rules | mbctl geo import -", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.importGeo(cmd.Context(), args[0], true) },
	}
	check := &cobra.Command{
		Use: "check FILE", Short: "Say whether a file of rules about places is valid",
		Example: "  mbctl geo check geo.rules", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.importGeo(cmd.Context(), args[0], false) },
	}
	cmd := group("geo", "Rules about places: networks, continents, ways across borders",
		show, edit, imp, check, newGeoOverrideCommand(a), newGeoRemoveCommand(a))
	cmd.Long = `Rules say what an operator knows better than GeoIP databases. They are text, one
a line, kept in the database and followed by all nodes within seconds. Countries
are written as they are, continents with an @ (@af @an @as @eu @na @oc @sa).

  override 10.0.0.0/8 country=de lat=52.5 lng=13.4 asn=64512
  override 192.0.2.0/24 unknown   # nobody knows where
  continent tr @eu                # clients in tr count as of Europe
  edge at de ch                   # clients in at may go to mirrors in de and ch
  edge tr @eu @as                 # after the own continent these, in order
  edge @oc @as @na                # likewise, from a continent
  avoid ua ru by                  # clients in ua never to mirrors in ru, by
  neighbours @oc @na @as          # in place of the built-in list; or: neighbours off`
	return cmd
}

func (a *app) showGeo(ctx context.Context) error {
	db, err := a.store(ctx)
	if err != nil {
		return err
	}
	text, err := db.Setting(ctx, geoip.RulesSetting)
	if err != nil {
		return err
	}
	_, invalid := geoip.ParseRules(text)
	if a.json {
		doc := map[string]any{"rules": text}
		if invalid != nil {
			doc["error"] = invalid.Error()
		}
		return a.printJSON(doc)
	}
	if text == "" {
		a.note("There are no rules yet. Write some: mbctl geo edit")
	}
	for line := range strings.Lines(text) {
		fmt.Fprintln(a.out, printable(strings.TrimRight(line, "\r\n")))
	}
	if invalid != nil {
		return fmt.Errorf("nodes go on with the rules before these: %w", invalid)
	}
	return nil
}

const geoHead = `# Rules about places: override, continent, edge, avoid, neighbours (mbctl help geo).
# Save and leave the editor; you will be asked before they are stored.
`

// editGeo opens the rules in the editor until they are valid and the change is
// confirmed, or given up.
func (a *app) editGeo(ctx context.Context) error {
	if _, tty := terminal(a.out); !tty && os.Getenv("VISUAL") == "" && os.Getenv("EDITOR") == "" {
		return usagef("geo edit: set $EDITOR, or use 'mbctl geo import FILE'")
	}
	db, err := a.store(ctx)
	if err != nil {
		return err
	}
	stored, err := db.Setting(ctx, geoip.RulesSetting)
	if err != nil {
		return err
	}
	before, in := []byte(stored), bufio.NewReader(a.in)
	for text, problem := before, ""; ; {
		if text, err = a.editFile(ctx, "geo.rules", geoHead, text, problem); err != nil {
			return err
		}
		if _, err := geoip.ParseRules(string(text)); err != nil {
			fmt.Fprintln(a.err, printable(err.Error()))
			if !a.ask(in, "Edit again? [Y/n] ", true) {
				return errors.New("geo edit: given up, nothing was stored")
			}
			problem = err.Error()
			continue
		}
		if bytes.Equal(text, before) {
			a.say("rules: %v", errUnchanged)
			return nil
		}
		fmt.Fprintf(a.out, "%s", changedLines(before, text))
		if !a.ask(in, "Store this? [y/N] ", false) {
			return errors.New("geo edit: given up, nothing was stored")
		}
		return a.changeGeo(ctx, func(now string) (string, error) {
			if now != stored {
				return "", errors.New("somebody else changed the rules meanwhile (see 'mbctl log'); edit again")
			}
			return string(text), nil
		})
	}
}

// importGeo reads rules from a file, and stores them if that is wanted.
func (a *app) importGeo(ctx context.Context, file string, storeThem bool) error {
	text, err := a.readRules(file)
	if err != nil {
		return err
	}
	if _, err := geoip.ParseRules(text); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if storeThem {
		return a.changeGeo(ctx, func(string) (string, error) { return text, nil })
	}
	if a.json {
		return a.printJSON(map[string]any{"valid": true, "rules": rulesIn(text)})
	}
	a.say("%s: valid, %s", printable(file), plural(rulesIn(text), "rule"))
	return nil
}

func (a *app) readRules(file string) (string, error) {
	from := a.in
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", err
		}
		defer f.Close()
		from = f
	}
	b, err := io.ReadAll(io.LimitReader(from, geoip.MaxRulesSize+1)) // one more is told as too much
	return string(b), err
}

// rulesIn counts the lines that say something.
func rulesIn(text string) (n int) {
	for line := range strings.Lines(text) {
		if line, _, _ = strings.Cut(line, "#"); strings.TrimSpace(line) != "" {
			n++
		}
	}
	return n
}

// maxGeoDetail bounds what the log keeps of a change, in bytes.
const maxGeoDetail = 4000

// changeGeo changes the rules, which are stored only if they are valid.
func (a *app) changeGeo(ctx context.Context, change func(now string) (string, error)) error {
	db, err := a.store(ctx)
	if err != nil {
		return err
	}
	count := 0
	var invalid error // told without the database's doings around it
	err = db.ChangeSetting(ctx, geoip.RulesSetting, who(), "rules about places", func(before string) (string, string, error) {
		after, err := change(before)
		if err == nil {
			_, err = geoip.ParseRules(after)
		}
		if invalid = err; err != nil {
			return "", "", err
		}
		count = rulesIn(after)
		detail := strings.ReplaceAll(strings.TrimSpace(string(changedLines([]byte(before), []byte(after)))), "\n", "; ")
		if len(detail) > maxGeoDetail {
			detail = strings.ToValidUTF8(detail[:maxGeoDetail], "") + "..."
		}
		return after, detail, nil
	})
	if err = cmp.Or(invalid, err); err != nil {
		return fmt.Errorf("the rules were not changed: %w", err)
	}
	if a.json {
		return a.printJSON(map[string]any{"rules": count})
	}
	a.say("%s about places stored", plural(count, "rule"))
	return nil
}
