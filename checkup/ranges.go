package checkup

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// rangeBytes is how many bytes are asked for at an offset.
const rangeBytes = 10

// ranges asks for a few bytes: at the beginning of some file, and beyond 2 and
// 4 GiB, where servers that count with 31 or 32 bits go wrong.
func (c *checker) ranges(ctx context.Context, base string) (all []Finding) {
	for i := range c.Files {
		if f := &c.Files[i]; f.Version.Size > rangeBytes {
			all = append(all, c.rangeOf(ctx, base, f, 0, "ranges"))
			break
		}
	}
	for i, offset := range largeOffsets {
		check := fmt.Sprintf("ranges beyond %d GiB", offset>>30)
		if c.Mirror.Rules.NoRangeCheck {
			all = append(all, Finding{Check: check, About: shown(base), Result: Skip, What: "not asked for, by the mirror's settings"})
			continue
		}
		if c.Large[i].Path == "" {
			all = append(all, Finding{Check: check, About: shown(base), Result: Skip, What: "it is credited with no file that long"})
			continue
		}
		all = append(all, c.rangeOf(ctx, base, &c.Large[i], offset, check))
	}
	return all
}

func (c *checker) rangeOf(ctx context.Context, base string, file *Sample, offset int64, check string) Finding {
	f := Finding{Check: check, About: shown(base), Result: Skip, What: "not in its part of the tree"}
	address, ok := c.url(base, file.Path)
	if !ok {
		return f
	}
	f.About = shown(address)
	last := offset + rangeBytes - 1
	a, err := c.ask(ctx, http.MethodGet, address, rangeBytes, "Range", fmt.Sprintf("bytes=%d-%d", offset, last))
	if err == nil {
		err = rangeWrong(a, offset, last, file.Version.Size)
	}
	if err == nil {
		f.Result, f.What = OK, fmt.Sprintf("bytes %d-%d came as asked for", offset, last)
		return f
	}
	f.Result, f.What = Fail, because(err)
	f.Mend = "downloads of large files break there: set --max-size " + fmt.Sprint(offset>>30) + "GiB with mbctl edit " + c.Mirror.Name + ", or ask its operator for a newer server"
	if offset == 0 {
		f.Result, f.Mend = Warn, "interrupted and segmented downloads begin anew"
	}
	return f
}

// rangeWrong says how an answer is not the range (RFC 9110 sections 14.4 and
// 15.3.7).
func rangeWrong(a answer, first, last, size int64) error {
	want := fmt.Sprintf("bytes %d-%d/%d", first, last, size)
	got := strings.Join(strings.Fields(a.header.Get("Content-Range")), " ")
	switch {
	case a.status == http.StatusOK:
		return errors.New("status 200: the whole file came instead of a part")
	case a.status != http.StatusPartialContent:
		return fmt.Errorf("status %d instead of 206", a.status)
	case !strings.EqualFold(got, want) && !strings.EqualFold(got, fmt.Sprintf("bytes %d-%d/*", first, last)):
		return fmt.Errorf("Content-Range is %.80q instead of %q", got, want)
	case a.more || int64(len(a.body)) != last-first+1:
		return fmt.Errorf("%d bytes came instead of %d", len(a.body), last-first+1)
	}
	return nil
}
