package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// subject is one server under load.
type subject struct {
	name    string
	server  *server
	script  string
	samples []sample
}

// printMachine says what the figures were measured on.
func printMachine() {
	cpu := "unknown processor"
	b, _ := os.ReadFile("/proc/cpuinfo")
	for l := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(k) == "model name" {
			cpu = strings.TrimSpace(v)
			break
		}
	}
	fmt.Printf("%s, %d cores, %s, %s\n\n", cpu, runtime.NumCPU(), runtime.Version(), time.Now().UTC().Format("2006-01-02"))
}

// measureRequests puts the same load on plain redir and on this module, round
// by round, so that all suffer alike from what else the machine does.
func measureRequests(ctx context.Context, work string, o options) error {
	subjects, stop, err := startSubjects(ctx, work, o)
	defer stop()
	if err != nil {
		return err
	}
	for _, s := range subjects { // warm up, not measured, until most files were asked for once
		if _, err := load(ctx, s.script, s.server.url, s.server.pid(), 2*o.round); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	for r := range o.rounds {
		for i := range subjects {
			s := &subjects[(i+r)%len(subjects)]
			got, err := load(ctx, s.script, s.server.url, s.server.pid(), o.round)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			s.samples = append(s.samples, got)
		}
	}
	printRequests(subjects)
	return nil
}

func printRequests(subjects []subject) {
	fmt.Println("| server | requests/s | µs CPU/request | requests/CPU s against redir | p50 | p99 | memory | bad answers |")
	fmt.Println("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
	for _, s := range subjects {
		bad := 0
		ratios := make([]sample, len(s.samples))
		for i, got := range s.samples {
			bad += got.bad
			ratios[i].perCPU = got.perCPU / subjects[0].samples[i].perCPU
		}
		rss, _ := memory(s.server.pid())
		fmt.Printf("| %s | %.0f | %.1f | %.2f | %.2f ms | %.2f ms | %d MiB | %d |\n", s.name,
			median(s.samples, func(s sample) float64 { return s.perSec }),
			1e6/median(s.samples, func(s sample) float64 { return s.perCPU }),
			median(ratios, func(s sample) float64 { return s.perCPU }),
			median(s.samples, func(s sample) float64 { return s.p50.Seconds() * 1e3 }),
			median(s.samples, func(s sample) float64 { return s.p99.Seconds() * 1e3 }),
			rss>>20, bad)
	}
	fmt.Println()
}
