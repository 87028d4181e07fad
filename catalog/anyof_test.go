package catalog

import (
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

func TestAnyOf(t *testing.T) {
	t.Parallel()
	w := &World{Held: []*roaring.Bitmap{
		roaring.BitmapOf(1),       // the version before
		roaring.BitmapOf(2, 5),    // the present one, and the other index file
		roaring.BitmapOf(2),       // only the present one
		roaring.BitmapOf(0, 9, 1), // the last two before
		roaring.New(),
	}}
	older := []KeptVersion{{Entry: Entry{ID: 9}}, {Entry: Entry{ID: 1}}}
	repo := newRepository("", rpmMD, [16]byte{}, nil, roaring.BitmapOf(2, 5))
	for name, test := range map[string]struct {
		a    AnyOf
		id   mirror.FileID
		want [5]bool
	}{
		"current":                {AnyOf{}, 2, [5]bool{false, true, true, false, false}},
		"outdated ones too":      {AnyOf{Older: older}, 2, [5]bool{true, true, true, true, false}},
		"gone":                   {AnyOf{Older: older}, 0, [5]bool{true, false, false, true, false}},
		"gone, and nothing kept": {AnyOf{}, 0, [5]bool{}},
		"index":                  {AnyOf{Repository: repo}, 2, [5]bool{1: true}},
		"index, outdated":        {AnyOf{Repository: repo, Older: older}, 2, [5]bool{1: true}},
		"index, not in the set":  {AnyOf{Repository: repo}, 1, [5]bool{}},
		"unknown repository":     {AnyOf{Repository: unknownRepository}, 2, [5]bool{}},
	} {
		test.a.World = w
		for i, want := range test.want {
			if got := test.a.Holds(i, test.id); got != want {
				t.Errorf("%s: mirror %d: %v", name, i, got)
			}
		}
	}
	a := AnyOf{World: w, Older: older}
	if v, ok := a.Version(3); !ok || v.ID != 9 {
		t.Errorf("the latest of mirror 3: %v, %v", v, ok)
	}
}
