package page

import "testing"

func TestSqueeze(t *testing.T) {
	t.Parallel()
	const in = "a:not(:hover, .b) { color: red; font: 1rem/1.5 var(--x); }\n@media (min-width: 4rem) and (max-width: 5rem) {\n  c d,\n  e { top: 0; }\n}\n"
	const want = "a:not(:hover,.b){color:red;font:1rem/1.5 var(--x);}@media (min-width:4rem) and (max-width:5rem){c d,e{top:0;}}\n"
	if got := squeeze(in); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
