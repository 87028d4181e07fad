package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sample is what one round of load on one server gave.
type sample struct {
	requests float64 // answered
	perSec   float64 // requests per second of wall clock
	perCPU   float64 // requests per second of the server's CPU time
	p50, p99 time.Duration
	bad      int // answers other than 2xx and 3xx, and socket errors
}

// wrkScript is the load: files and clients rotate at random, the same for every
// server. The client's address is in X-Forwarded-For, as behind a proxy.
const wrkScript = `
local n, clients = %d, {%s}
local seeded = 0
function setup(thread) seeded = seeded + 1; thread:set("seed", seeded) end
function init() math.randomseed(seed * 7919) end
function request()
  local i = math.random(0, n - 1)
  return "GET " .. string.format("%s", math.floor(i / 1000), i) ..
    " HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: " .. clients[math.random(#clients)] .. "\r\n\r\n"
end
` + wrkDone

// wrkDone prints what came out. It is formatted with the script it ends.
const wrkDone = `
done = function(summary, latency)
  io.write(string.format("requests %%d\nduration %%d\np50 %%d\np99 %%d\nbad %%d\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99),
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
`

// writeScript makes the load on so many files; suffix is what is asked for about
// them: ".meta4", say.
func writeScript(dir string, files int, suffix string, clients []string) (string, error) {
	quoted := make([]string, len(clients))
	for i, c := range clients {
		quoted[i] = strconv.Quote(c)
	}
	path := filepath.Join(dir, fmt.Sprintf("load-%d%s.lua", files, suffix))
	return path, os.WriteFile(path, fmt.Appendf(nil, wrkScript, files, strings.Join(quoted, ","), "/"+pathFormat+suffix), 0o600)
}

var wrkLine = regexp.MustCompile(`(?m)^(requests|duration|p50|p99|bad) (\d+)$`)

// connections of the load, unless it is one for slow answers.
const connections = 32

// load runs wrk against url for d and measures the CPU time that process pid
// took meanwhile.
func load(ctx context.Context, script, url string, pid int, d time.Duration) (sample, error) {
	return loadFrom(ctx, connections, script, url, pid, d)
}

// loadFrom does it with so many connections.
func loadFrom(ctx context.Context, connections int, script, url string, pid int, d time.Duration) (sample, error) {
	before, err := cpuTime(pid)
	if err != nil {
		return sample{}, err
	}
	cmd := exec.CommandContext(ctx, "wrk", "-t1", fmt.Sprintf("-c%d", connections), "--timeout", "60s",
		"-d", fmt.Sprintf("%ds", int(d.Seconds())), "-s", script, url)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return sample{}, fmt.Errorf("wrk: %w\n%s", err, out)
	}
	after, err := cpuTime(pid)
	if err != nil {
		return sample{}, err
	}
	v := map[string]float64{}
	for _, m := range wrkLine.FindAllSubmatch(out, -1) {
		v[string(m[1])], _ = strconv.ParseFloat(string(m[2]), 64)
	}
	if v["requests"] == 0 || v["duration"] == 0 || after <= before {
		return sample{}, fmt.Errorf("wrk gave no figures:\n%s", out)
	}
	return sample{
		requests: v["requests"],
		perSec:   v["requests"] / (v["duration"] / 1e6),
		perCPU:   v["requests"] / (after - before).Seconds(),
		p50:      time.Duration(v["p50"]) * time.Microsecond,
		p99:      time.Duration(v["p99"]) * time.Microsecond,
		bad:      int(v["bad"]),
	}, nil
}

// clockTick is USER_HZ, the unit of times in /proc, which is 100 on every
// architecture that Linux gives to programs (proc(5)).
const clockTick = time.Second / 100

// cpuTime is the user and system time of a process and its threads so far.
func cpuTime(pid int) (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The second field, the program's name in parentheses, may hold blanks.
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat is odd: %q", pid, b)
	}
	var ticks int64
	for _, f := range fields[11:13] { // utime, stime
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * clockTick, nil
}

// memory is a process's resident set and its peak in bytes.
func memory(pid int) (now, peak int64) {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for l := range strings.Lines(string(b)) {
		f := strings.Fields(l)
		if len(f) < 2 {
			continue
		}
		n, _ := strconv.ParseInt(f[1], 10, 64)
		switch f[0] {
		case "VmRSS:":
			now = n << 10
		case "VmHWM:":
			peak = n << 10
		}
	}
	return now, peak
}

// median of what f gives for each sample.
func median(samples []sample, f func(sample) float64) float64 {
	v := make([]float64, len(samples))
	for i, s := range samples {
		v[i] = f(s)
	}
	slices.Sort(v)
	if len(v) == 0 {
		return 0
	}
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
