//go:build !race

package mirrortest

// Million is how many entries a large folder of tests has.
const Million = 1_000_000
