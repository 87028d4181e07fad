package main

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/s3"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/origin"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/push"
)

// takeScanRules reads from m what says how it is scanned and pushed.
func (s *settings) takeScanRules(m *mirror.Mirror) {
	s.S3, s.S3CredentialsFile = m.S3, m.S3CredentialsFile
	s.Rename, s.Quiet = []string{}, windowTexts(m.Rules.Quiet)
	for _, r := range m.Renames {
		s.Rename = append(s.Rename, r.String())
	}
	if m.Rules.Interval > 0 {
		s.ScanInterval = formatDuration(m.Rules.Interval)
	}
	s.ScanExclude, s.ScanTop = nonNil(m.Rules.Exclude), nonNil(m.Rules.Top)
	s.NoRangeCheck, s.Source, s.Proxy = m.Rules.NoRangeCheck, m.Rules.Source, m.Rules.Proxy
	s.Push, s.PushTier = m.Sync.Push, m.Sync.Tier
}

// applyScanRules checks the same and puts it into n.
func (s *settings) applyScanRules(n *mirror.Mirror) error {
	var err error
	if n.S3 = ""; s.S3 != "" {
		if n.S3, err = s3.ParseURL(s.S3); err != nil {
			return err
		}
	}
	n.S3CredentialsFile = s.S3CredentialsFile
	n.Renames, n.Rules, n.Sync = nil, mirror.ScanRules{}, mirror.Sync{}
	for _, text := range s.Rename {
		r, err := mirror.ParseRename(text)
		if err != nil {
			return err
		}
		n.Renames = append(n.Renames, r)
	}
	if err := mirror.CheckRenames(n.Renames, n.Subtree); err != nil {
		return err
	}
	if n.Rules.Quiet, err = parseWindows(s.Quiet); err != nil {
		return err
	}
	if s.ScanInterval != "" {
		if n.Rules.Interval, err = parseDuration(s.ScanInterval); err != nil {
			return fmt.Errorf("scan interval: %w", err)
		}
		if n.Rules.Interval < time.Minute {
			return fmt.Errorf("scan interval %s: must be a minute at least", s.ScanInterval)
		}
	}
	n.Rules.NoRangeCheck = s.NoRangeCheck
	return s.applyWay(n)
}

// applyWay checks what is looked at on the mirror, and the way there.
func (s *settings) applyWay(n *mirror.Mirror) error {
	if _, err := origin.NewGlobs(s.ScanExclude); err != nil {
		return fmt.Errorf("scan exclude: %w", err)
	}
	n.Rules.Exclude = s.ScanExclude
	for _, name := range s.ScanTop {
		folder, err := mirror.CleanSubtree(name)
		if err != nil || folder == "" || strings.Contains(folder, "/") {
			return fmt.Errorf("scan top %q: must be the name of a folder at the top of the mirror", name)
		}
		n.Rules.Top = append(n.Rules.Top, folder)
	}
	if s.Source != "" {
		addr, err := netip.ParseAddr(s.Source)
		if err != nil {
			return fmt.Errorf("source address %q: must be an IP address of the scanning host", s.Source)
		}
		n.Rules.Source = addr.String()
	}
	if s.Proxy != "" && s.Proxy != "none" {
		u, err := url.Parse(s.Proxy)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "socks5" {
			return fmt.Errorf("proxy %q: must be an http://, https:// or socks5:// URL, or none", mirror.Redact(s.Proxy))
		}
	}
	n.Rules.Proxy = s.Proxy
	if s.Push != "" {
		if err := push.Check(s.Push); err != nil {
			return err
		}
	}
	n.Sync = mirror.Sync{Push: s.Push, Tier: s.PushTier}
	return nil
}

// formatDuration prints a duration so that parseDuration gives the same back.
func formatDuration(d time.Duration) string {
	if d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	}
	text := d.String()
	if d%time.Minute == 0 {
		text = strings.TrimSuffix(text, "0s")
	}
	if d%time.Hour == 0 {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
