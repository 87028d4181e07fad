package store

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestASNames(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		if i := must[ASImport](t)(s.ASImport(ctx)); i != (ASImport{}) {
			t.Errorf("an import before the first: %+v", i)
		}
		table := func(names ...ASName) ASTable {
			return ASTable{Source: "test", Prefixes: func(yield func(Prefix) error) error {
				for _, p := range []string{"2001:db8::/32", "192.0.2.0/24", "10.0.0.0/8"} {
					if err := yield(Prefix{netip.MustParsePrefix(p), 4294967295}); err != nil {
						return err
					}
				}
				return yield(Prefix{netip.MustParsePrefix("11.0.0.0/8"), 7})
			}, Names: func(yield func(ASName) error) error {
				for _, n := range names {
					if err := yield(n); err != nil {
						return err
					}
				}
				return nil
			}}
		}
		first := []ASName{{7, "Séven\x00\xff", "de"}, {4294967295, "LAST", ""}}
		must[int](t)(s.ReplaceASTable(ctx, table(first...)))
		want := map[uint32]ASName{7: {7, text("Séven\x00\xff"), "de"}, 4294967295: first[1]}
		if diff := cmp.Diff(want, must[map[uint32]ASName](t)(s.ASNames(ctx, 7, 4294967295, 8))); diff != "" {
			t.Error(diff)
		}
		if none := must[map[uint32]ASName](t)(s.ASNames(ctx)); len(none) > 0 {
			t.Error(none)
		}
		all := must[[]netip.Prefix](t)(s.PrefixesOf(ctx, 4294967295))
		if got := fmt.Sprint(all); got != "[10.0.0.0/8 192.0.2.0/24 2001:db8::/32]" {
			t.Error(got)
		}
		i := must[ASImport](t)(s.ASImport(ctx))
		if diff := cmp.Diff(ASImport{Source: "test", Prefixes: 4}, i, cmpopts.IgnoreFields(ASImport{}, "Generation", "At")); diff != "" || i.Generation == 0 || i.At.IsZero() {
			t.Error(i, diff)
		}
		// What breaks off changes nothing, and leaves nothing.
		oops := errors.New("broken file")
		broken := table(ASName{7, "Other", ""})
		next := broken.Names
		broken.Names = func(yield func(ASName) error) error { return errors.Join(next(yield), oops) }
		if _, err := s.ReplaceASTable(ctx, broken); !errors.Is(err, oops) {
			t.Errorf("broken: %v", err)
		}
		if n := must[map[uint32]ASName](t)(s.ASNames(ctx, 7)); n[7] != want[7] {
			t.Error(n)
		}
		// The next one replaces all, also with none, and with more than a batch.
		var many []ASName
		for n := range uint32(MaxBatch + 5) {
			many = append(many, ASName{n + 1, "A name", "us"})
		}
		must[int](t)(s.ReplaceASTable(ctx, table(many...)))
		if n := must[int64](t)(s.CountASNames(ctx)); n != int64(len(many)) {
			t.Errorf("%d names", n)
		}
		must[int](t)(s.ReplaceASTable(ctx, table()))
		var left int
		ok(t, s.db.QueryRowContext(ctx, "SELECT count(*) FROM asn_name").Scan(&left))
		if left != 0 {
			t.Errorf("%d names are left", left)
		}
	})
}
