package mirrorstatus

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
)

// TestOpenAPI checks the description, and answers against it.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	doc, err := libopenapi.NewDocument(openAPI)
	if err != nil {
		t.Fatal(err)
	}
	v, errs := validator.NewValidator(doc)
	if len(errs) > 0 {
		t.Fatal(errors.Join(errs...))
	}
	if ok, found := v.ValidateDocument(); !ok {
		for _, e := range found {
			t.Error(e)
		}
	}
	full := hostile()
	m, _ := Public(&full, now, 0)
	odd := &Site{AsOf: now, Partial: true, Mirrors: []Mirror{m}}
	for _, c := range []struct {
		site *Site
		name string
		past *History
	}{{sample(25), allJSON, nil}, {sample(25), "halifax.json", samplePast(1)}, {odd, allJSON, nil}, {odd, "hostile.json", nil}, {&Site{AsOf: now}, allJSON, nil}} {
		d, err := newPages(t, Options{}).Document(c.site, Request{Name: c.name, Words: page.English(), History: func(*Mirror) *History { return c.past }})
		if err != nil {
			t.Fatal(err)
		}
		req := httptest.NewRequest(http.MethodGet, "/"+c.name, nil)
		resp := &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {d.Kind}}, Body: io.NopCloser(bytes.NewReader(d.Body)), Request: req}
		if ok, found := v.ValidateHttpResponse(req, resp); !ok {
			for _, e := range found {
				t.Errorf("%s: %v %+v", c.name, e, e.SchemaValidationErrors)
			}
		}
	}
	// What is not as described is found.
	req := httptest.NewRequest(http.MethodGet, "/"+allJSON, nil)
	resp := &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {kindJSON}}, Body: io.NopCloser(bytes.NewReader([]byte(`{"up":-1}`))), Request: req}
	if ok, _ := v.ValidateHttpResponse(req, resp); ok {
		t.Error("anything is as described")
	}
}
