package browsertest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// names are those under which distributions have Chromium.
var names = []string{"chromium", "chromium-browser", "google-chrome"}

// patience is how long anything in the browser may take. It is no measure of
// speed: the machine may be busy.
const patience = 60 * time.Second

// flags make a browser that keeps to itself: nothing is fetched, updated, or
// asked for that the pages do not ask for.
var flags = []chromedp.ExecAllocatorOption{
	chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoDefaultBrowserCheck,
	chromedp.Flag("headless", "new"),
	chromedp.Flag("disable-quic", true),
	chromedp.Flag("disable-component-update", true),
	chromedp.Flag("no-pings", true),
	chromedp.Flag("disable-domain-reliability", true),
	chromedp.Flag("lang", "en-US"),
	// Proxies of the machine's are none of the pages' business.
	chromedp.Flag("no-proxy-server", true),
	// Screenshots of equal pages are to be equal.
	chromedp.Flag("force-device-scale-factor", "1"),
	chromedp.Flag("font-render-hinting", "none"),
}

var (
	begin   sync.Once
	ending  = func() {}
	failure error

	// tabs are those that no test has. A tab is used for one page after the other:
	// a new one means a new process, and axe-core to compile once more.
	tabs = make(chan *tab, 2)
)

var errNone = errors.New("chromium is not installed")

// running starts the browser, if nobody has yet.
func running(t testing.TB) {
	t.Helper()
	begin.Do(func() { ending, failure = start() })
	if errors.Is(failure, errNone) && os.Getenv("CI") == "" {
		t.Skip(failure)
	}
	if failure != nil {
		t.Fatalf("starting the browser: %v", failure)
	}
}

func start() (end func(), err error) {
	program := ""
	for _, name := range names {
		if program, err = exec.LookPath(name); err == nil {
			break
		}
	}
	if err != nil {
		return func() {}, errNone
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], flags...)
	allocator, free := chromedp.NewExecAllocator(context.Background(), append(options, chromedp.ExecPath(program))...)
	ctx, quit := chromedp.NewContext(allocator)
	end = func() { quit(); free() }
	if err := chromedp.Do(ctx); err != nil {
		end()
		return func() {}, err
	}
	for range cap(tabs) {
		t := &tab{watch: new(watch)}
		t.ctx, _ = chromedp.NewContext(ctx, chromedp.WithListener(t.note)) // closed with the browser
		if err := chromedp.Do(t.ctx); err != nil {
			end()
			return func() {}, fmt.Errorf("opening a tab: %w", err)
		}
		tabs <- t
	}
	return end, nil
}

// tab shows one page after the other.
type tab struct {
	*watch // what the page asks for and complains of

	ctx context.Context
}

// take waits for a tab that nobody uses, and has it until the test ends.
func take(t testing.TB) *tab {
	t.Helper()
	running(t)
	one := <-tabs
	t.Cleanup(func() {
		// Nothing of the page goes on.
		ctx, cancel := context.WithTimeout(one.ctx, patience)
		defer cancel()
		if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
			t.Errorf("leaving the page: %v", err)
		}
		tabs <- one
	})
	one.forget()
	return one
}

// Close ends the browser, if there is one. TestMain calls it after the tests.
func Close() {
	begin.Do(func() { failure = errors.New("the tests are over") })
	ending()
}
