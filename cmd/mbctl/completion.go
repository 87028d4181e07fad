package main

import (
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
)

// completer is what cobra asks for words.
type completer = func(cmd *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective)

// completeFlags tells the shell what flags can be, in all commands alike: a flag
// of one name means the same everywhere. Commands may have said it themselves,
// with offer. Commands without arguments are offered no files.
func (a *app) completeFlags(cmd *cobra.Command) {
	countries := lazily(countryWords)
	known := map[string]completer{
		"region":            fixed(slices.Sorted(maps.Keys(continents()))...),
		"country":           countries,
		"other-countries":   countries,
		"exclude-countries": countries,
		"redirects":         fixed(string(mirror.RedirectsSameHost), string(mirror.RedirectsPublic), string(mirror.RedirectsAny)),
		"protocol":          fixed("rsync", "ftp", "http", "s3"),
		"state":             fixed(states()...),
		"instance":          lazily(a.instanceNames),
		"config":            filesOnly("toml"),
		"database":          fixed("postgres://", "sqlite:///"),
		"dir":               foldersOnly,
		"root":              foldersOnly,
		"man":               foldersOnly,
		"mirror":            a.completeMirrors,
	}
	each := func(f *pflag.Flag) {
		if _, said := cmd.GetFlagCompletionFunc(f.Name); said {
			return
		}
		switch c := known[f.Name]; {
		case c != nil && f.Value.Type() != "bool":
			_ = cmd.RegisterFlagCompletionFunc(f.Name, c) // fails only for flags that are not there
		case !namesFile(f):
			_ = cmd.RegisterFlagCompletionFunc(f.Name, cobra.NoFileCompletions)
		}
	}
	cmd.LocalFlags().VisitAll(each)
	if cmd.ValidArgsFunction == nil && len(cmd.ValidArgs) == 0 && !strings.Contains(strings.TrimSuffix(cmd.Use, " [flags]"), " ") {
		cmd.ValidArgsFunction = cobra.NoFileCompletions
	}
	for _, sub := range cmd.Commands() {
		a.completeFlags(sub)
	}
}

// namesFile reports whether the help says that a flag's value is a file.
func namesFile(f *pflag.Flag) bool {
	value, _ := pflag.UnquoteUsage(f)
	return slices.Contains([]string{"FILE", "FOLDER", "DIR", "PROGRAM"}, value) || f.Name == "output"
}

// offer says which words a flag of this command takes.
func offer(cmd *cobra.Command, flag string, words ...string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, fixed(words...)) // fails only for flags that are not there
}

// fixed offers words, several of them with commas between.
func fixed(words ...string) completer {
	return lazily(func() []string { return words })
}

// lazily is fixed with words that take some work. A word may have a description
// after a tab.
func lazily(words func() []string) completer {
	return func(_ *cobra.Command, _ []string, start string) ([]string, cobra.ShellCompDirective) {
		before := ""
		if i := strings.LastIndexByte(start, ','); i >= 0 {
			before, start = start[:i+1], start[i+1:]
		}
		var out []string
		for _, w := range words() {
			if before != "" { // bash's script finds no words with commas that have descriptions
				w, _, _ = strings.Cut(w, "\t")
			}
			if strings.HasPrefix(w, start) {
				out = append(out, before+w)
			}
		}
		directive := cobra.ShellCompDirectiveNoFileComp
		if len(out) == 1 && strings.HasSuffix(out[0], "/") {
			directive |= cobra.ShellCompDirectiveNoSpace
		}
		return out, directive
	}
}

func foldersOnly(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

func filesOnly(suffixes ...string) completer {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return suffixes, cobra.ShellCompDirectiveFilterFileExt
	}
}

func continents() map[string]bool {
	all := map[string]bool{}
	for code, name := range page.English().Continents {
		all[code+"\t"+name] = true
	}
	return all
}

func countryWords() (list []string) {
	for code, name := range page.English().Countries() {
		list = append(list, code+"\t"+name)
	}
	slices.Sort(list)
	return list
}

func states() []string {
	list := make([]string, 0, 7)
	for _, s := range []mirror.State{
		mirror.StateUp, mirror.StateDisabled, mirror.StateDown, mirror.StateNeverScanned, mirror.StateScanTooOld, mirror.StateQuotaSpent, mirror.StateResting,
	} {
		list = append(list, string(s))
	}
	return list
}

// instanceNames are the tables of the configuration file.
func (a *app) instanceNames() (names []string) {
	b, err := os.ReadFile(a.configFile())
	if err != nil {
		return nil
	}
	var head map[string]any
	if toml.Unmarshal(b, &head) != nil {
		return nil
	}
	for name, v := range head {
		if _, table := v.(map[string]any); table {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
