// Package browsertest looks at pages as people do: in a real Chromium, at a
// given width, in light or dark, with or without JavaScript. It notes what a
// page asks the network for and what it complains of, takes screenshots, follows
// links, and has two judges: axe-core for accessibility, and the Nu HTML checker
// for validity.
//
// A test program has one browser, which starts with the first page and which
// TestMain ends (see Close). At most two pages are open at once.
//
// A program that is not installed skips the test, unless the environment
// variable CI is set: then the test fails. scripts/browser-tools.sh gets the two
// judges.
package browsertest
