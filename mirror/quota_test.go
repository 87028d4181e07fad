package mirror

import (
	"testing"
	"time"
)

func TestQuotaPeriods(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, now, since, renews string
		period                   time.Duration
	}{
		{"day", "2026-11-24T18:00:00Z", "2026-11-24", "2026-11-25", QuotaDay},
		{"month", "2026-11-24T18:00:00Z", "2026-11-01", "2026-12-01", QuotaMonth},
		{"end of the year", "2026-12-31T23:59:59Z", "2026-12-01", "2027-01-01", QuotaMonth},
		{"first moment", "2027-01-01T00:00:00Z", "2027-01-01", "2027-02-01", QuotaMonth},
		{"by UTC, not by the local day", "2026-12-01T00:30:00+01:00", "2026-11-01", "2026-12-01", QuotaMonth},
		{"leap day", "2028-02-29T12:00:00Z", "2028-02-29", "2028-03-01", QuotaDay},
		{"before 1970", "1969-12-31T12:00:00Z", "1969-12-31", "1970-01-01", QuotaDay},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			now, err := time.Parse(time.RFC3339, test.now)
			if err != nil {
				t.Fatal(err)
			}
			q := Quota{Bytes: 1, Period: test.period}
			if got := q.Since(now).Time().Format(time.DateOnly); got != test.since {
				t.Errorf("since %s, want %s", got, test.since)
			}
			if got := q.Renews(now).Format(time.DateOnly); got != test.renews {
				t.Errorf("renews %s, want %s", got, test.renews)
			}
		})
	}
}

func TestSums(t *testing.T) {
	t.Parallel()
	s := Sums{DayBytes: 10, MonthBytes: 300}
	for q, want := range map[Quota]bool{
		{}:                               false,
		{Bytes: 10, Period: QuotaDay}:    true,
		{Bytes: 11, Period: QuotaDay}:    false,
		{Bytes: 300, Period: QuotaMonth}: true,
		{Bytes: 301, Period: QuotaMonth}: false,
	} {
		if got := s.SpentBy(q); got != want {
			t.Errorf("%+v spent: %v, want %v", q, got, want)
		}
	}
}

func TestFormatSize(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{
		0: "0", 1500: "1500", 2000: "2000", 1 << 10: "1KiB", 4 << 30: "4GiB", 25 << 40: "25TiB", 1000 << 30: "1000GiB",
		2e6: "2MB", 500e9: "500GB", 1e12: "1TB", 1500e9: "1500GB", 3e15: "3PB", 1<<40 + 1: "1099511627777",
	} {
		if got := FormatSize(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
