package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// sayNear says how near the mirrors are.
func (o *simulateOutput) sayNear() {
	for _, c := range o.columns() {
		x := &o.report.Columns[c]
		if x.Near.Mirrors == 0 {
			continue
		}
		text := fmt.Sprintf("%s: %s sent to mirrors", simulateNames[c], percentOf(x.Near.Mirrors, o.report.Counted.Requests))
		if x.Near.Placed > 0 {
			text += fmt.Sprintf(", %s of them in the client's country", percentOf(x.Near.InCountry, x.Near.Placed))
		}
		if x.Near.KmOf > 0 {
			text += fmt.Sprintf(", %s km on average", kilometres(x.Near))
		}
		o.a.note("%s", text)
	}
}

// sentence says what it all means.
func (o *simulateOutput) sentence() string {
	var parts []string
	if o.has(0) {
		if text := o.agreement(); text != "" {
			parts = append(parts, text)
		}
	}
	if from, to, ok := o.compared(); ok {
		if text := o.movement(from, to); text != "" {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, " ")
}

// agreement compares with what was chosen then.
func (o *simulateOutput) agreement() string {
	last := &o.report.Columns[len(o.report.Columns)-1]
	if last.Compared == 0 {
		return ""
	}
	then := o.report.Columns[0].Redirected().Requests
	text := fmt.Sprintf("Of %s requests that went to a mirror then, %s would go to the same one", count(int64(then)), percentOf(last.SameMirror, then))
	if last.ComparedCountry > 0 {
		text += fmt.Sprintf(" and %s to one of the same country", percentOf(last.SameCountry, last.ComparedCountry))
	}
	return text + "."
}

// movement names those whose part changes most.
func (o *simulateOutput) movement(from, to int) string {
	rows := slices.DeleteFunc(append(o.mirrorRows(), o.otherRows()...), func(r simulateRow) bool { return strings.HasPrefix(r.name, "(not") })
	moved := 0.0
	for _, r := range rows {
		moved += math.Abs(r.cells[to].Requests-r.cells[from].Requests) / 2
	}
	than := "then"
	if from == 1 {
		than = "now"
	}
	if moved == 0 {
		return "Every mirror gets as much as " + than + "."
	}
	slices.SortStableFunc(rows, func(x, y simulateRow) int {
		return cmp.Compare(math.Abs(y.cells[to].Requests-y.cells[from].Requests), math.Abs(x.cells[to].Requests-x.cells[from].Requests))
	})
	text := fmt.Sprintf("Compared with %s, %s of all requests move on balance", than, percentOf(moved, o.report.Counted.Requests))
	var named []string
	for _, r := range rows[:min(3, len(rows))] {
		before, after := r.cells[from].Requests, r.cells[to].Requests
		if before == after {
			break
		}
		named = append(named, r.name+" gets "+moreOrLess(before, after, o.report.Counted.Requests))
	}
	return text + ": " + strings.Join(named, ", ") + "."
}

func moreOrLess(before, after, all float64) string {
	switch {
	case before == 0:
		return percentOf(after, all) + " of all, from none"
	case after > before:
		return percentOf(after-before, before) + " more"
	}
	return percentOf(before-after, before) + " less"
}
