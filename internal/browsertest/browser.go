package browsertest

import (
	"context"
	"errors"
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
	started context.Context // nil: it does not start
	ending  = func() {}
	failure error

	// tabs are the pages that may be open at once.
	tabs = make(chan struct{}, 2)
)

var errNone = errors.New("chromium is not installed")

// running gives the context of the browser.
func running(t testing.TB) context.Context {
	t.Helper()
	begin.Do(func() { started, ending, failure = start() })
	if errors.Is(failure, errNone) && os.Getenv("CI") == "" {
		t.Skip(failure)
	}
	if failure != nil {
		t.Fatalf("starting the browser: %v", failure)
	}
	return started
}

func start() (ctx context.Context, end func(), err error) {
	program := ""
	for _, name := range names {
		if program, err = exec.LookPath(name); err == nil {
			break
		}
	}
	if err != nil {
		return nil, func() {}, errNone
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], flags...)
	allocator, free := chromedp.NewExecAllocator(context.Background(), append(options, chromedp.ExecPath(program))...)
	ctx, quit := chromedp.NewContext(allocator)
	end = func() { quit(); free() }
	if err := chromedp.Do(ctx); err != nil {
		end()
		return nil, func() {}, err
	}
	return ctx, end, nil
}

// Close ends the browser, if there is one. TestMain calls it after the tests.
func Close() {
	begin.Do(func() { failure = errors.New("the tests are over") })
	ending()
}
