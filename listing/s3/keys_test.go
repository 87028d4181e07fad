package s3

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const profiles = `# of two projects
[default]
aws_access_key_id = AKIADEFAULT
aws_secret_access_key=sec/ret+default=

[profile other]
region = eu-west-1
AWS_ACCESS_KEY_ID=AKIAOTHER
aws_secret_access_key = other
aws_session_token = token==
[half]
aws_access_key_id = AKIAHALF
`

func TestParseKeys(t *testing.T) {
	t.Setenv("AWS_PROFILE", "")
	for name, c := range map[string]struct{ text, profile, want, err string }{
		"a line":              {text: "\nAKIA:sec/ret+=\nsomething else", want: "AKIA sec/ret+= "},
		"a line of Windows":   {text: "AKIA:sec\r\n", want: "AKIA sec "},
		"with a token":        {text: "AKIA:sec:tok", want: "AKIA sec tok"},
		"default profile":     {text: profiles, want: "AKIADEFAULT sec/ret+default= "},
		"another":             {text: profiles, profile: "other", want: "AKIAOTHER other token=="},
		"no such profile":     {text: profiles, profile: "third", err: `no profile "third"`},
		"half a profile":      {text: profiles, profile: "half", err: "are needed"},
		"profile, but a line": {text: "AKIA:secret", profile: "x", err: "only a line"},
		"empty":               {text: "# nothing\n\n", err: "empty"},
		"secret alone":        {text: "sesame", err: "first line must be"},
		"no secret":           {text: "AKIA:", err: "are needed"},
		"no id":               {text: ":sesame", err: "are needed"},
		"space":               {text: "AKIA:ses ame", err: "space"},
		"id and scope":        {text: "AKIA/2024:sesame", err: "access key id"},
		"NUL":                 {text: "AKIA:sesame\x00", err: "space or another byte"},
	} {
		t.Run(name, func(t *testing.T) {
			k, err := parseKeys([]byte(c.text), c.profile)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "ame") {
					t.Errorf("got %v, want %q", err, c.err)
				}
				return
			}
			if got := k.AccessKeyID + " " + k.SecretAccessKey + " " + k.SessionToken; err != nil || got != c.want {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
	t.Run("AWS_PROFILE", func(t *testing.T) {
		t.Setenv("AWS_PROFILE", "other")
		if k, err := parseKeys([]byte(profiles), ""); err != nil || k.AccessKeyID != "AKIAOTHER" {
			t.Errorf("got %q, %v", k.AccessKeyID, err)
		}
	})
}

func TestKeysFrom(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	line, shared, large := write("line", "AKIALINE:s\n"), write("shared", profiles), write("large", strings.Repeat("#\n", maxKeyFile))
	for _, e := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"} {
		t.Setenv(e, "")
	}
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", shared)

	for _, c := range []struct {
		name, file, profile, id string
		env, ambient            bool
		err                     string
	}{
		{name: "none"},
		{name: "file", file: line, id: "AKIALINE"},
		{name: "file before environment", file: line, env: true, id: "AKIALINE"},
		{name: "environment", env: true, id: "AKIAENV", ambient: true},
		{name: "profile", profile: "other", env: true, id: "AKIAOTHER"},
		{name: "profile in a file", file: shared, profile: "default", id: "AKIADEFAULT"},
		{name: "missing", file: filepath.Join(dir, "missing"), env: true, err: "reading the keys from " + filepath.Join(dir, "missing")},
		{name: "large", file: large, err: "more than 64 KiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.env {
				t.Setenv("AWS_ACCESS_KEY_ID", "AKIAENV")
				t.Setenv("AWS_SECRET_ACCESS_KEY", "s")
			}
			k, err := (&target{profile: c.profile}).keys(c.file)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("got %v, want %q", err, c.err)
				}
				return
			}
			if err != nil || k.AccessKeyID != c.id || k.ambient != c.ambient {
				t.Errorf("got %q (ambient: %v), %v, want %q", k.AccessKeyID, k.ambient, err, c.id)
			}
		})
	}
}
