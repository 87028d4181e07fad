package catalog

import (
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

func TestWorldChanges(t *testing.T) {
	t.Parallel()
	db, c := newFakeDB(), New(Options{})
	a, b := db.add("a", 1), db.add("b", 2)
	db.putMirror(mirror.Mirror{ID: 5, Name: "five", Score: 100})
	db.putMirror(mirror.Mirror{ID: 2, Name: "two"})
	db.hold(5, uint32(a), uint32(b))
	db.commit()
	mustSync(t, c, db)
	w1 := c.Holdings()
	if len(w1.Mirrors) != 2 || w1.Mirrors[0].Name != "two" || w1.Index(5) != 1 || w1.Index(3) != -1 {
		t.Fatalf("mirrors: %+v", w1.Mirrors)
	}
	if !w1.Holds(1, a) || w1.Holds(0, a) {
		t.Error("holdings are wrong")
	}

	db.hold(2, uint32(a))
	db.hold(5, uint32(b))
	db.commit()
	mustSync(t, c, db)
	w2 := c.Holdings()
	if w2.Version != w1.Version || w2.Mirrors[0] != w1.Mirrors[0] || w2.Mirrors[1] != w1.Mirrors[1] {
		t.Error("new holdings made the mirrors new")
	}
	if !w2.Holds(0, a) || w2.Holds(1, a) || !w2.Holds(1, b) {
		t.Error("new holdings are wrong")
	}
	if !w1.Holds(1, a) || w1.Holds(0, a) {
		t.Error("the world before changed")
	}

	// Written without a change.
	db.putMirror(mirror.Mirror{ID: 5, Name: "five", Score: 100})
	db.commit()
	mustSync(t, c, db)
	if w := c.Holdings(); w.Version != w1.Version || w.Mirrors[1] != w1.Mirrors[1] {
		t.Error("a mirror written as it was is a new one")
	}

	db.putMirror(mirror.Mirror{ID: 5, Name: "five", Score: 50})
	db.putMirror(mirror.Mirror{ID: 3, Name: "three"})
	db.commit()
	mustSync(t, c, db)
	w3 := c.Holdings()
	if w3.Version <= w1.Version || len(w3.Mirrors) != 3 || w3.Mirrors[2].Score != 50 || w3.Mirrors[0] != w1.Mirrors[0] {
		t.Errorf("after an edit: version %d, %+v", w3.Version, w3.Mirrors)
	}
	if !w3.Holds(2, b) || w3.Holds(1, b) || !w3.Holds(0, a) {
		t.Error("an edit changed the holdings")
	}

	db.deleteMirror(2)
	db.commit()
	mustSync(t, c, db)
	if w := c.Holdings(); len(w.Mirrors) != 2 || w.Version <= w3.Version || w.Mirrors[0].Name != "three" || !w.Holds(1, b) {
		t.Errorf("after a deletion: %+v", w)
	}
}

func TestHoldingsAreCopied(t *testing.T) {
	t.Parallel()
	d := newWorldDelta()
	mine := roaring.BitmapOf(1, 2, 3)
	d.hold(1, mine)
	mine.Remove(2)
	if !d.held[1].Contains(2) {
		t.Error("the caller's bitmap is shared")
	}
}
