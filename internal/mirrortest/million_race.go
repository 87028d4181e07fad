//go:build race

package mirrortest

// Million is fewer with the race detector, which takes its time.
const Million = 50_000
