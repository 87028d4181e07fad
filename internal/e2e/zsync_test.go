package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// zsync fetches from mirrors what an older copy has not, past one that is down and
// one with wrong bytes.
func TestZSync(t *testing.T) {
	t.Parallel()
	const size = 8 << 20
	old := noise(3, size)
	now := slices.Concat(old[:3<<20+17], noise(4, 300<<10), old[3<<20+17:size-100<<10])
	d := newDepot(t, "", func(root string) { keep(t, root, image, now) })
	d.publish("zsync = true")
	good, wrong, down := d.mirror("good"), d.mirror("wrong"), d.mirror("down")
	wrong.corrupt(image)
	down.Stop()
	d.start()
	dir := d.folder("zsync")
	check(t, os.WriteFile(filepath.Join(dir, "old.iso"), old, 0o644))
	d.succeeds(dir, "zsync", "-i", "old.iso", "-o", "new.iso", d.url(image)+".zsync")
	d.same(image, filepath.Join(dir, "new.iso"))
	good.used(image)
	if n := good.sent(image); n > 1<<20 {
		t.Errorf("it has fetched %d bytes for 300 KiB of new ones", n)
	}
}
