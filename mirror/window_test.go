package mirror

import (
	"testing"
	"time"
)

func TestWindow(t *testing.T) {
	t.Parallel()
	at := func(s string) time.Time {
		tm, err := time.Parse("2006-01-02 15:04", s)
		if err != nil {
			t.Fatal(err)
		}
		return tm
	}
	tests := []struct {
		window, at string
		want       bool
	}{
		{"02:00-06:00", "2026-11-24 02:00", true},
		{"02:00-06:00", "2026-11-24 05:59", true},
		{"02:00-06:00", "2026-11-24 06:00", false},
		{"tue 02:00-06:00", "2026-11-24 03:00", true}, // a Tuesday
		{"wed-mon 02:00-06:00", "2026-11-24 03:00", false},
		{"sat,Sun  02:00-06:00", "2026-11-28 03:00", true},
		{"mon 22:00-04:00", "2026-11-24 03:59", true},
		{"mon 22:00-04:00", "2026-11-24 22:00", false},
		{"20:00-24:00", "2026-11-24 23:59", true},
		{"02:00-06:00 Europe/Berlin", "2026-11-24 01:30", true},
		{"02:00-06:00 Europe/Berlin", "2026-11-24 05:30", false},
		{"02:00-06:00 Europe/Berlin", "2026-07-24 00:30", true}, // summer time
	}
	for _, tt := range tests {
		w, err := ParseWindow(tt.window)
		if err != nil {
			t.Errorf("%q: %v", tt.window, err)
			continue
		}
		if got := w.Contains(at(tt.at)); got != tt.want {
			t.Errorf("%q contains %s: %v", tt.window, tt.at, got)
		}
		if again, err := ParseWindow(w.String()); err != nil || again.String() != w.String() {
			t.Errorf("%q read again: %q, %v", w, again, err)
		}
	}
	if (Window{}).Contains(time.Now()) {
		t.Error("the zero window is open")
	}
	for _, bad := range []string{"", "sun", "2-6", "02:00", "02:00-02:00", "25:00-26:00", "foo 02:00-06:00", "02:00-06:00 Mars/Base", "02:00-06:00 Local", "a b c d"} {
		if w, err := ParseWindow(bad); err == nil {
			t.Errorf("ParseWindow(%q) = %q, want an error", bad, w)
		}
	}
}

func FuzzParseWindow(f *testing.F) {
	f.Add("sat,sun 02:00-06:00 Europe/Berlin")
	f.Fuzz(func(t *testing.T, s string) {
		w, err := ParseWindow(s)
		if err != nil {
			return
		}
		if again, err := ParseWindow(w.String()); err != nil || again.String() != w.String() {
			t.Errorf("%q read again: %q, %v", s, again, err)
		}
		w.Contains(time.Unix(0, 0))
	})
}
