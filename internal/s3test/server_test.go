package s3test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestExample checks the signature of the example "GET Bucket (List Objects)" of
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
func TestExample(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodGet, "http://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J", nil)
	r.Header.Set("X-Amz-Date", "20130524T000000Z")
	r.Header.Set("X-Amz-Content-Sha256", emptyHash)
	a, err := parseAuthorization(algorithm + " Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request," +
		"SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")
	if err != nil || !a.covers(r) {
		t.Fatalf("%+v, %v", a, err)
	}
	if got := a.sign(r, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"); got != a.signature {
		t.Errorf("got %s, want %s", got, a.signature)
	}
}

func TestObjects(t *testing.T) {
	t.Parallel()
	s := Start(t, []Object{
		{Key: "a/b c", Body: []byte("contents")}, {Key: "large", Size: 5 << 30}, {Key: "cold", Size: 1, Class: "GLACIER"},
	}, Options{Keys: map[string]string{"id": "secret"}})
	for _, c := range []struct {
		method, path, byteRange string
		status                  int
		length                  int64
		body                    string
	}{
		{"GET", "a/b%20c", "", 200, 8, "contents"},
		{"HEAD", "large", "", 200, 5 << 30, ""},
		{"GET", "large", "bytes=4294967296-4294967297", 206, 2, "\x00\x00"},
		{"GET", "cold", "", 403, -1, ""},
		{"GET", "none", "", 404, -1, ""},
		{"GET", "", "", 403, -1, ""},
		{"PUT", "a", "", 405, -1, ""},
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, s.Web+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.byteRange != "" {
			req.Header.Set("Range", c.byteRange)
		}
		resp, err := s.HTTP.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
		resp.Body.Close()
		if resp.StatusCode != c.status || c.length >= 0 && resp.ContentLength != c.length || c.status < 300 && string(body) != c.body {
			t.Errorf("%s %s: %s, %d bytes, %.100q", c.method, c.path, resp.Status, resp.ContentLength, body)
		}
		if c.status < 300 && resp.Header.Get("Last-Modified") != "Wed, 04 Mar 2026 05:06:07 GMT" {
			t.Errorf("%s %s: Last-Modified %s", c.method, c.path, resp.Header.Get("Last-Modified"))
		}
	}
	if resp, err := s.HTTP.Client().Get(strings.Replace(s.Web, "/bucket/", "/bucketeer/", 1)); err != nil || resp.StatusCode != http.StatusNotFound {
		t.Errorf("another bucket: %v, %v", resp, err)
	}
}
