package redirector

import "testing"

func TestPathRule(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		rule, path string
		want       bool
	}{
		{"/", "a/b", true},
		{"/a", "a/b/c", true},
		{"a/", "a", true},
		{"/a", "ab/c", false},
		{"*.iso", "a/b.iso", true},
		{"/a/**/*.iso", "a/b/c.iso", true},
		{"/a/*.iso", "a/b/c.iso", false},
	} {
		r, err := CompilePathRule(tc.rule)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Match(tc.path); got != tc.want {
			t.Errorf("%s, %s: %v", tc.rule, tc.path, got)
		}
	}
	for _, rule := range []string{"/a/../b", "a//b", "[a"} {
		if _, err := CompilePathRule(rule); err == nil {
			t.Errorf("%s: no error", rule)
		}
	}
	var all PathRule
	if !all.Match("a") {
		t.Error("the zero value does not match")
	}
}
