package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestWish(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		soon, later := time.Unix(1_800_000_000, 0), time.Unix(1_900_000_000, 0)
		a := must[int64](t)(s.Wish(ctx, Wish{Kind: WishScan, Subtree: "/a/\xff/", Due: later, Who: "x"}))
		b := must[int64](t)(s.Wish(ctx, Wish{Kind: WishScan, Mirror: 7, Due: later, Who: strings.Repeat("w", 300)}))
		c := must[int64](t)(s.Wish(ctx, Wish{Kind: WishIndex}))
		if again := must[int64](t)(s.Wish(ctx, Wish{Kind: WishScan, Subtree: "a/\xff", Due: soon, Who: "y\x00"})); again != a {
			t.Errorf("the same wish has the ids %d and %d", a, again)
		}
		if again := must[int64](t)(s.Wish(ctx, Wish{Kind: WishScan, Mirror: 7, Due: later.Add(1), Who: "z"})); again != b {
			t.Errorf("the same wish has the ids %d and %d", b, again)
		}
		list := must[[]Wish](t)(s.Wishes(ctx))
		want := []Wish{
			{ID: c, Kind: WishIndex, Times: 1},
			{ID: a, Kind: WishScan, Subtree: "a/\xff", Due: soon, Times: 2, Who: "y\uFFFD"},
			{ID: b, Kind: WishScan, Mirror: 7, Due: later, Times: 2, Who: "z"},
		}
		if len(list) == 3 {
			want[0].Due = list[0].At // at once
		}
		if diff := cmp.Diff(want, list, cmpopts.IgnoreFields(Wish{}, "At")); diff != "" {
			t.Fatal(diff)
		}
		for _, w := range list {
			if d := time.Since(w.At); d < -time.Minute || d > time.Minute {
				t.Errorf("made at %v", w.At)
			}
		}
		for _, bad := range []Wish{{Kind: "other"}, {Kind: WishScan, Subtree: "../x"}} {
			if _, err := s.Wish(ctx, bad); err == nil {
				t.Errorf("a wish %+v was made", bad)
			}
		}
	})
}

func TestGrant(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		w := Wish{Kind: WishScan, Subtree: "a"}
		must[int64](t)(s.Wish(ctx, w))
		before := must[[]Wish](t)(s.Wishes(ctx))[0]
		must[int64](t)(s.Wish(ctx, w)) // while the scan runs
		ok(t, s.Grant(ctx, before))
		list := must[[]Wish](t)(s.Wishes(ctx))
		if len(list) != 1 || list[0].Times != 2 {
			t.Fatalf("made again during the scan: %+v", list)
		}
		ok(t, s.Grant(ctx, list[0]))
		if list = must[[]Wish](t)(s.Wishes(ctx)); len(list) != 0 {
			t.Fatalf("granted: %+v", list)
		}
		ok(t, s.Grant(ctx, before)) // by another
		if again := must[int64](t)(s.Wish(ctx, w)); again == before.ID {
			t.Error("the id of a granted wish was used again")
		}
	})
}

func TestWishesAreBounded(t *testing.T) {
	t.Parallel()
	s := open(t, sqliteURL(t.TempDir()+"/test.db"))
	ctx := t.Context()
	ok(t, s.update(ctx, "filling", func(x *tx) error {
		for i := range maxWishes {
			w := Wish{Kind: WishScan, Subtree: fmt.Sprintf("d%d/e%d", i%10, i), Due: time.Unix(int64(2_000_000_000+i), 0)}
			if _, err := x.wish(ctx, &w); err != nil {
				return err
			}
		}
		return nil
	}))
	// The same again takes no room.
	must[int64](t)(s.Wish(ctx, Wish{Kind: WishScan, Subtree: "d3/e13", Due: time.Unix(3_000_000_000, 0)}))
	if n := len(must[[]Wish](t)(s.Wishes(ctx))); n != maxWishes {
		t.Fatalf("%d wishes", n)
	}
	id := must[int64](t)(s.Wish(ctx, Wish{Kind: WishScan, Subtree: "d3/new/deep", Due: time.Unix(3_000_000_000, 0)}))
	list := must[[]Wish](t)(s.Wishes(ctx))
	if len(list) != maxWishes-100+1 {
		t.Fatalf("%d wishes", len(list))
	}
	for _, w := range list {
		if w.ID == id && (w.Subtree != "d3" || w.Due != time.Unix(2_000_000_003, 0)) || w.ID != id && strings.HasPrefix(w.Subtree, "d3/") {
			t.Errorf("%+v", w)
		}
	}
}

func TestWiden(t *testing.T) {
	t.Parallel()
	list := []Wish{
		{ID: 1, Kind: WishScan, Mirror: 1, Subtree: "a/b/c"},
		{ID: 2, Kind: WishScan, Mirror: 2, Subtree: "a/b"},
		{ID: 3, Kind: WishIndex, Mirror: 3, Subtree: "a"},
		{ID: 4, Kind: WishScan, Mirror: 1, Subtree: "ab"},
	}
	tests := []struct {
		wish   Wish
		folder string
		all    bool // for all mirrors
		others []int64
	}{
		{Wish{Kind: WishScan, Mirror: 1, Subtree: "a/b/d"}, "a/b", false, []int64{1}},
		{Wish{Kind: WishScan, Mirror: 1, Subtree: "a/x/d"}, "a", false, []int64{1}},
		{Wish{Kind: WishScan, Mirror: 1, Subtree: "z"}, "", false, []int64{1, 4}},
		{Wish{Kind: WishScan, Mirror: 3, Subtree: "a"}, "", true, []int64{1, 2, 4}},
		{Wish{Kind: WishIndex, Mirror: 0, Subtree: "a"}, "", true, []int64{3}},
	}
	for _, tt := range tests {
		w := tt.wish
		var ids []int64
		for _, o := range widen(&w, list) {
			ids = append(ids, o.ID)
		}
		if diff := cmp.Diff(tt.others, ids); diff != "" || w.Subtree != tt.folder || (w.Mirror == 0) != (tt.all || tt.wish.Mirror == 0) {
			t.Errorf("%+v became %+v, merged %v", tt.wish, w, ids)
		}
	}
}

func TestJob(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		ok(t, s.StartJob(ctx, "index", "a"))
		j := must[[]Job](t)(s.Jobs(ctx))[0]
		if j.Name != "index" || j.Holder != "a" || j.Started.IsZero() || !j.Ended.IsZero() {
			t.Fatalf("%+v", j)
		}
		for i := range 2 {
			ok(t, s.EndJob(ctx, "index", "a", "why\xff"))
			if j = must[[]Job](t)(s.Jobs(ctx))[0]; j.Error != "why\uFFFD" || j.Failing != i+1 || j.Ended.Before(j.Started) {
				t.Fatalf("%+v", j)
			}
		}
		ok(t, s.StartJob(ctx, "index", "b"))
		ok(t, s.EndJob(ctx, "index", "a", "late")) // it is b's by now
		if j = must[[]Job](t)(s.Jobs(ctx))[0]; j.Error != "why\uFFFD" || j.Failing != 2 || j.Holder != "b" || !j.Ended.IsZero() {
			t.Fatalf("%+v", j)
		}
		ok(t, s.EndJob(ctx, "index", "b", ""))
		if j = must[[]Job](t)(s.Jobs(ctx))[0]; j.Error != "" || j.Failing != 0 {
			t.Fatalf("%+v", j)
		}
	})
}
