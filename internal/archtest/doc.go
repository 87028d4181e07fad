// Package archtest holds the rules of who may import whom. It has nothing but
// a test. The linter knows the direct half of the rules and tells them in the
// editor; the test knows what is reached through others, too.
package archtest
