package s3

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// maxKeyFile is the largest file of keys that is read, in bytes.
const maxKeyFile = 64 << 10

// keys sign requests. The zero value signs nothing.
type keys struct {
	aws.Credentials

	// ambient keys are the environment's: nobody has said that they are meant
	// for this bucket.
	ambient bool
}

// keys finds those of a bucket: in the file, else in the file that Amazon's own
// tools read when the URL names a profile, else in the environment. None at all
// is no error: many buckets may be listed by anyone.
func (t *target) keys(file string) (keys, error) {
	if file == "" && t.profile != "" {
		if file = os.Getenv("AWS_SHARED_CREDENTIALS_FILE"); file == "" {
			home, err := os.UserHomeDir()
			if err != nil {
				return keys{}, fmt.Errorf("profile %q: %w", t.profile, err)
			}
			file = filepath.Join(home, ".aws", "credentials")
		}
	}
	if file != "" {
		k, err := readKeys(file, t.profile)
		if err != nil {
			return keys{}, fmt.Errorf("reading the keys from %s: %w", file, err)
		}
		return k, nil
	}
	k := keys{ambient: true}
	k.AccessKeyID = os.Getenv("AWS_ACCESS_KEY_ID")
	k.SecretAccessKey = os.Getenv("AWS_SECRET_ACCESS_KEY")
	k.SessionToken = os.Getenv("AWS_SESSION_TOKEN")
	if !k.HasKeys() {
		return keys{}, nil
	}
	if err := k.check(); err != nil {
		return keys{}, fmt.Errorf("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment: %w", err)
	}
	return k, nil
}

// readKeys reads "ID:SECRET" or "ID:SECRET:TOKEN" in the first line, or a
// profile of a credentials file of Amazon's tools.
func readKeys(file, profile string) (keys, error) {
	f, err := os.Open(file)
	if err != nil {
		if pe, ok := errors.AsType[*os.PathError](err); ok {
			err = pe.Err // the caller names the file
		}
		return keys{}, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	switch {
	case err != nil:
		return keys{}, err
	case len(text) > maxKeyFile:
		return keys{}, fmt.Errorf("has more than %d KiB", maxKeyFile>>10)
	}
	return parseKeys(text, profile)
}

// parseKeys never repeats in an error what it was given: it may be the secret.
func parseKeys(text []byte, profile string) (keys, error) {
	var lines []string
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		if l := strings.TrimSpace(s.Text()); l != "" && l[0] != '#' && l[0] != ';' {
			lines = append(lines, l)
		}
	}
	if len(lines) == 0 {
		return keys{}, errors.New("it is empty")
	}
	var k keys
	switch {
	case lines[0][0] == '[':
		fields := profileOf(lines, cmp.Or(profile, os.Getenv("AWS_PROFILE"), "default"))
		if fields == nil {
			return keys{}, fmt.Errorf("there is no profile %q", cmp.Or(profile, os.Getenv("AWS_PROFILE"), "default"))
		}
		k.AccessKeyID, k.SecretAccessKey, k.SessionToken = fields["aws_access_key_id"], fields["aws_secret_access_key"], fields["aws_session_token"]
	case profile != "":
		return keys{}, fmt.Errorf("there is no profile %q, only a line without one", profile)
	default:
		var ok bool
		if k.AccessKeyID, k.SecretAccessKey, ok = strings.Cut(lines[0], ":"); !ok {
			return keys{}, errors.New("the first line must be ACCESS_KEY_ID:SECRET, or [a profile] of a credentials file")
		}
		k.SecretAccessKey, k.SessionToken, _ = strings.Cut(k.SecretAccessKey, ":")
	}
	return k, k.check()
}

// profileOf gives the settings of a section; nil when there is none.
func profileOf(lines []string, name string) map[string]string {
	var fields map[string]string
	inside := false
	for _, l := range lines {
		if l[0] == '[' {
			section, _, _ := strings.Cut(l[1:], "]")
			section = strings.TrimSpace(section)
			inside = section == name || strings.TrimSpace(strings.TrimPrefix(section, "profile ")) == name
			if inside && fields == nil {
				fields = map[string]string{}
			}
			continue
		}
		if key, value, ok := strings.Cut(l, "="); ok && inside {
			fields[strings.ToLower(strings.TrimSpace(key))] = strings.TrimSpace(value)
		}
	}
	return fields
}

// check refuses what cannot stand in a header.
func (k *keys) check() error {
	if !k.HasKeys() {
		return errors.New("an access key id and a secret are needed")
	}
	for _, s := range []string{k.AccessKeyID, k.SecretAccessKey, k.SessionToken} {
		for i := range len(s) {
			if s[i] <= ' ' || s[i] >= 0x7f {
				return errors.New("there is a space or another byte in it that cannot be part of a key")
			}
		}
	}
	if strings.ContainsAny(k.AccessKeyID, "/,=") {
		return errors.New("the access key id has a character that it cannot have")
	}
	return nil
}
