package scanner

import (
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

func TestMoved(t *testing.T) {
	t.Parallel()
	base := func() mirror.Mirror {
		return mirror.Mirror{Name: "a", HTTP: []string{"http://a/"}, Rsync: "rsync://a/pub/", Score: 100}
	}
	for name, tt := range map[string]struct {
		change func(*mirror.Mirror)
		want   bool
	}{
		"nothing":     {func(*mirror.Mirror) {}, false},
		"score":       {func(m *mirror.Mirror) { m.Score = 1 }, false},
		"quiet times": {func(m *mirror.Mirror) { m.Rules.Quiet = []mirror.Window{{}} }, false},
		"empty lists": {func(m *mirror.Mirror) {
			m.Rules.Exclude, m.Rules.Top, m.Renames = []string{}, []string{}, []mirror.Rename{}
		}, false},
		"http":         {func(m *mirror.Mirror) { m.HTTP = []string{"http://b/"} }, true},
		"rsync":        {func(m *mirror.Mirror) { m.Rsync = "" }, true},
		"bucket":       {func(m *mirror.Mirror) { m.S3 = "s3://b/" }, true},
		"subtree":      {func(m *mirror.Mirror) { m.Subtree = "x" }, true},
		"rename":       {func(m *mirror.Mirror) { m.Renames = []mirror.Rename{{Tree: "a", There: "b"}} }, true},
		"scan exclude": {func(m *mirror.Mirror) { m.Rules.Exclude = []string{"*.x"} }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, after := base(), base()
			tt.change(&after)
			if got := Moved(&before, &after); got != tt.want {
				t.Errorf("Moved is %t, want %t", got, tt.want)
			}
		})
	}
}
