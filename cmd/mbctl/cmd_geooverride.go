package main

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/geoip"
)

func newGeoOverrideCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "override CIDR PLACE...",
		Short: "Say where a network is, whatever the databases say",
		Long: `Says where a network is, whatever the databases say: country=, continent=, lat=
and lng=, asn=, or the word unknown. What was said of the same network before is
replaced. The narrowest network that has an address counts.`,
		Example: "  mbctl geo override 10.0.0.0/8 country=de asn=64512\n  mbctl geo override 192.0.2.0/24 unknown",
		Args:    cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			line := "override " + strings.Join(args, " ")
			if strings.ContainsAny(line, "#\n\r") {
				return usagef("%q: comments belong into 'mbctl geo edit'", line)
			}
			if _, err := geoip.ParseRules(line); err != nil {
				return usagef("%s: %w", strings.Join(args, " "), err)
			}
			return a.changeGeo(cmd.Context(), func(now string) (string, error) {
				text, _ := withoutOverride(now, args[0])
				if text != "" && !strings.HasSuffix(text, "\n") {
					text += "\n"
				}
				return text + line + "\n", nil
			})
		},
	}
}

func newGeoRemoveCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "rm CIDR", Short: "Take the override of a network away",
		Example: "  mbctl geo rm 10.0.0.0/8", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.changeGeo(cmd.Context(), func(now string) (string, error) {
				text, had := withoutOverride(now, args[0])
				if !had {
					return "", fmt.Errorf("there is no override of %s: 'mbctl geo show' lists them", args[0])
				}
				return text, nil
			})
		},
	}
}

// withoutOverride gives the rules without the override of a network.
func withoutOverride(text, network string) (rest string, had bool) {
	want := sameNetwork(network)
	var out strings.Builder
	for line := range strings.Lines(text) {
		rule, _, _ := strings.Cut(line, "#")
		if words := strings.Fields(rule); len(words) > 1 && words[0] == "override" && sameNetwork(words[1]) == want {
			had = true
			continue
		}
		out.WriteString(line)
	}
	return out.String(), had
}

// sameNetwork writes a network in one way: an address is the network of it alone.
func sameNetwork(s string) string {
	if addr, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(addr, addr.BitLen()).String()
	}
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.String()
	}
	return s
}
