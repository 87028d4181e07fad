package browsertest

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
)

// watch notes what a page asks for and complains of, over all that it navigates
// to.
type watch struct {
	mu       sync.Mutex
	requests []string
	faults   []string
}

// forget begins anew.
func (w *watch) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests, w.faults = nil, nil
}

// note takes an event of the tab's.
func (w *watch) note(event any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		w.requests = append(w.requests, e.Request.URL)
	case *network.EventWebSocketCreated:
		w.requests = append(w.requests, e.URL)
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
		w.faults = append(w.faults, "exception: "+text)
	case *runtime.EventConsoleAPICalled:
		if slices.Contains([]runtime.ConsoleAPICalledType{"error", "warning", "assert"}, e.Type) {
			w.faults = append(w.faults, fmt.Sprintf("console: %s", e.Type))
			for _, a := range e.Args {
				w.faults[len(w.faults)-1] += " " + string(a.Value) + a.Description
			}
		}
	case *log.EventEntryAdded:
		// Violations of the Content-Security-Policy are among these, and files that
		// cannot be loaded.
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			w.faults = append(w.faults, strings.TrimSpace(fmt.Sprintf("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL)))
		}
	}
}

// Requests are the URLs that were asked for so far, the page's own among them.
func (w *watch) Requests() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.requests)
}

// Faults are what the browser complained of so far: errors of scripts, violations
// of the page's Content-Security-Policy, files that could not be loaded.
func (w *watch) Faults() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.faults)
}

// Quiet expects a page that asks no other host for anything, and of which the
// browser does not complain.
func (p *Page) Quiet() {
	p.t.Helper()
	for _, fault := range p.Faults() {
		p.t.Errorf("%s: the browser complains: %s", p.url, fault)
	}
	for _, foreign := range p.Foreign() {
		p.t.Errorf("%s asks for %s", p.url, foreign)
	}
}

// Foreign are the requests so far that went to another host than the page's.
func (p *Page) Foreign() (foreign []string) {
	own, err := url.Parse(p.url)
	if err != nil {
		return []string{p.url}
	}
	for _, r := range p.Requests() {
		u, err := url.Parse(r)
		if err != nil || u.Scheme != "data" && (u.Scheme != own.Scheme || u.Host != own.Host) {
			foreign = append(foreign, r)
		}
	}
	return foreign
}
