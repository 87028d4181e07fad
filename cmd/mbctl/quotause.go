package main

import (
	"context"
	"fmt"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// trafficDoc is what the nodes sent to a mirror in the running periods.
type trafficDoc struct {
	DayRequests   int64     `json:"day_requests"`
	DayBytes      int64     `json:"day_bytes"`
	MonthRequests int64     `json:"month_requests"`
	MonthBytes    int64     `json:"month_bytes"`
	Quota         *quotaDoc `json:"quota,omitempty"`
}

// quotaDoc is how much of a quota is used.
type quotaDoc struct {
	Bytes   int64     `json:"bytes"`
	Used    int64     `json:"used"`
	Percent float64   `json:"percent"`
	Spent   bool      `json:"spent"`
	Renews  time.Time `json:"renews"`
}

// sums is what was sent to mirrors, as the database has it.
type sums map[mirror.ID]mirror.Sums

func (a *app) sums(ctx context.Context) (sums, error) {
	db, err := a.store(ctx)
	if err != nil {
		return nil, err
	}
	list, err := db.Traffic(ctx)
	if err != nil {
		return nil, err
	}
	all := make(sums, len(list))
	for _, s := range list {
		all[s.Mirror] = s
	}
	return all, nil
}

func (s sums) of(id mirror.ID) *mirror.Sums {
	sum := s[id]
	return &sum
}

// settle makes the marks of quotas agree with the sums: nodes do that in the
// database, but none may be at work.
func (s sums) settle(mirrors []mirror.Mirror) {
	for i := range mirrors {
		q := &mirrors[i].Quota
		q.Spent = s.of(mirrors[i].ID).SpentBy(*q)
	}
}

// mirrors gives all mirrors, and what was sent to them, with quotas that are
// marked as spent by that.
func (a *app) mirrors(ctx context.Context) ([]mirror.Mirror, sums, error) {
	db, err := a.store(ctx)
	if err != nil {
		return nil, nil, err
	}
	all, err := db.Mirrors(ctx)
	if err != nil {
		return nil, nil, err
	}
	sent, err := a.sums(ctx)
	if err != nil {
		return nil, nil, err
	}
	sent.settle(all)
	return all, sent, nil
}

// doc adds to a mirror's JSON what was sent to it.
func (s sums) doc(d mirrorDoc, m *mirror.Mirror) mirrorDoc {
	sum := s.of(m.ID)
	d.Traffic = &trafficDoc{sum.DayRequests, sum.DayBytes, sum.MonthRequests, sum.MonthBytes, nil}
	if m.Quota.Bytes > 0 {
		d.Traffic.Quota = quotaOf(sum, m.Quota, time.Now())
	}
	return d
}

func quotaOf(sum *mirror.Sums, q mirror.Quota, now time.Time) *quotaDoc {
	return &quotaDoc{q.Bytes, sum.Used(q), 100 * float64(sum.Used(q)) / float64(q.Bytes), sum.SpentBy(q), q.Renews(now)}
}

// quotaText says how much of a quota is used: "1.2 TiB of 25TiB/month used
// (4.8%), renewed 2026-12-01".
func quotaText(sum *mirror.Sums, q mirror.Quota, now time.Time) string {
	if q.Bytes <= 0 {
		return ""
	}
	d := quotaOf(sum, q, now)
	return fmt.Sprintf("%s of %s used (%s), renewed %s", humanize.IBytes(uint64(max(d.Used, 0))), q, percent(d.Percent), d.Renews.Format(time.DateOnly))
}

// sentText says what was sent to a mirror in the running month.
func sentText(sum *mirror.Sums) string {
	if sum.MonthRequests == 0 {
		return ""
	}
	return fmt.Sprintf("%s redirects with %s this month, %s with %s today", count(uint64(sum.MonthRequests)), humanize.IBytes(uint64(sum.MonthBytes)),
		count(uint64(sum.DayRequests)), humanize.IBytes(uint64(sum.DayBytes)))
}

// nearlySpent is the part of a quota beyond which status speaks of it, in per
// cent.
const nearlySpent = 80
