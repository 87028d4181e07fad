package store

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMarkers(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		iso := Marker{"ISOs", []string{"iso/*.iso", "!iso/old.iso"}}
		src := Marker{"Quellen é", []string{"src/"}}
		ok(t, s.PutMarker(ctx, iso, "me"))
		ok(t, s.PutMarker(ctx, src, "me"))
		if diff := cmp.Diff([]Marker{iso, src}, must[[]Marker](t)(s.Markers(ctx))); diff != "" {
			t.Error(diff)
		}
		iso.Paths = []string{"iso/a.iso"}
		ok(t, s.PutMarker(ctx, iso, "me"))
		head := must[Head](t)(s.Head(ctx))
		ok(t, s.SetMarkers(ctx, []Marker{iso, src}, "me"))
		if now := must[Head](t)(s.Head(ctx)); now != head {
			t.Error("storing what is there was a change")
		}
		ok(t, s.SetMarkers(ctx, []Marker{src, iso}, "me"))
		if diff := cmp.Diff([]Marker{src, iso}, must[[]Marker](t)(s.Markers(ctx))); diff != "" {
			t.Error(diff)
		}
		if err := s.DeleteMarker(ctx, "iso", "me"); !errors.Is(err, ErrNotFound) {
			t.Errorf("deleting what is not there: %v", err)
		}
		ok(t, s.DeleteMarker(ctx, "ISOs", "me"))
		ok(t, s.SetMarkers(ctx, nil, "me"))
		if got := must[[]Marker](t)(s.Markers(ctx)); len(got) != 0 {
			t.Errorf("left: %v", got)
		}
		var log []string
		for _, e := range must[[]Event](t)(s.Events(ctx, 0, 0)) {
			log = append(log, e.Who+": "+e.What)
		}
		slices.Reverse(log)
		want := "me: marker ISOs|me: marker Quellen é|me: marker ISOs|me: markers|me: marker ISOs removed|me: markers"
		if got := strings.Join(log, "|"); got != want {
			t.Errorf("logged %s", got)
		}
	})
}

func TestMarkersRefused(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		for _, list := range [][]Marker{
			{{"", []string{"a"}}},
			{{" a", []string{"a"}}},
			{{"a\nb", []string{"a"}}},
			{{"a\xff", []string{"a"}}},
			{{strings.Repeat("a", 65), []string{"a"}}},
			{{"a", nil}},
			{{"a", []string{"!"}}},
			{{"a", []string{"/"}}},
			{{"a", []string{"a\xff"}}},
			{{"a", []string{"b"}}, {"a", []string{"c"}}},
			slices.Repeat([]Marker{{"a", []string{"b"}}}, MaxMarkers+1),
		} {
			if err := s.SetMarkers(t.Context(), list, "me"); err == nil {
				t.Errorf("stored %q", list)
			}
		}
	})
}
