package browsertest

import (
	"context"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// valueIn is Value in one of the page's worlds; 0 is the page's own.
func valueIn[T any](p *Page, expression string, world runtime.ExecutionContextID) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	got, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAsValue, chromedp.EvalAwaitPromise,
		func(e *runtime.EvaluateParams) { e.ContextID = world }))
	if err != nil {
		p.t.Fatalf("%s: %.100s: %v", p.url, expression, err)
	}
	return got
}

// world makes a world that sees the page, but whose names the page's scripts do
// not see, and to which its Content-Security-Policy does not apply.
func (p *Page) world(name string) (id runtime.ExecutionContextID) {
	p.t.Helper()
	p.do("making a world", chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		tree, err := cdp.Call(ctx, tab, page.GetFrameTree, cdp.Empty{})
		if err != nil {
			return err
		}
		made, err := cdp.Call(ctx, tab, page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{FrameID: tree.FrameTree.Frame.ID, WorldName: name})
		id = made.ExecutionContextID
		return err
	}))
	return id
}
