package browsertest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// Complaint is what the Nu HTML checker has against a page.
type Complaint struct {
	Type    string `json:"type"`     // "error", "info", "non-document-error"
	SubType string `json:"subType"`  //nolint:tagliatelle // the checker's name; "warning" of "info"
	Line    int    `json:"lastLine"` //nolint:tagliatelle // the checker's name
	Message string `json:"message"`
	Extract string `json:"extract"` // of the page's source
}

func (c Complaint) String() string {
	kind := c.Type
	if c.SubType != "" {
		kind = c.SubType
	}
	return fmt.Sprintf("%s in line %d: %s %q", kind, c.Line, c.Message, c.Extract)
}

// Nu has the Nu HTML checker look at files, and gives its errors and warnings by
// file. Names that end in .html are checked as HTML with the SVG in it, those
// that end in .svg as SVG, .css as style sheets. All go through one process,
// which takes seconds to start.
func Nu(t testing.TB, files map[string][]byte) map[string][]Complaint {
	t.Helper()
	jar := tool(t, "vnu-jar/build/dist/vnu.jar")
	java, err := exec.LookPath("java")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("java is not installed")
		}
		t.Skip("java is not installed")
	}
	dir := t.TempDir()
	// Compiling well is not worth it for a run of seconds, and takes deeper stacks.
	args := []string{"-XX:TieredStopAtLevel=1", "-Xss16m", "-jar", jar, "--format", "json", "--exit-zero-always", "--also-check-css", "--also-check-svg"}
	names := map[string]string{}
	for name, body := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, body, 0o644); err != nil {
			t.Fatal(err)
		}
		names["file:"+file] = name
		args = append(args, file)
	}
	cmd := exec.CommandContext(t.Context(), java, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	var out, printed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &printed, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("the Nu HTML checker: %v\n%s%s", err, printed.Bytes(), out.Bytes())
	}
	var said struct {
		Messages []struct {
			Complaint

			URL string `json:"url"`
		} `json:"messages"`
	}
	if err := json.Unmarshal(out.Bytes(), &said); err != nil {
		t.Fatalf("the Nu HTML checker: %v\n%s", err, out.Bytes())
	}
	found := map[string][]Complaint{}
	for _, m := range said.Messages {
		name, ok := names[m.URL]
		if !ok {
			t.Fatalf("the Nu HTML checker speaks of %q: %s", m.URL, m.Complaint)
		}
		if m.Type != "info" || m.SubType == "warning" {
			found[name] = append(found[name], m.Complaint)
		}
	}
	for name := range found {
		slices.SortFunc(found[name], func(a, b Complaint) int { return a.Line - b.Line })
	}
	return found
}
