package s3test

import (
	"compress/gzip"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Say answers the given requests (all, if none is given) with a text.
func Say(status int, text string, only ...int) Fault {
	return on(only, func(w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		fmt.Fprint(w, text)
	})
}

// Fail answers the given requests with an error in S3's form.
func Fail(status int, code string, only ...int) Fault {
	return on(only, func(w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) {
		fail(w, status, code, "as the test wants it", "")
	})
}

// Redirect answers with a redirect, and names a region if that is not "".
func Redirect(status int, to, region string, only ...int) Fault {
	return on(only, func(w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) {
		w.Header().Set("Location", to)
		if region != "" {
			w.Header().Set("X-Amz-Bucket-Region", region)
		}
		fail(w, status, "TemporaryRedirect", "Please re-send this request to the specified temporary endpoint.", "")
	})
}

// Cut breaks the connection in the middle of an answer, whose length was told.
func Cut(only ...int) Fault {
	return on(only, func(w http.ResponseWriter, r *http.Request, list http.HandlerFunc) {
		text := record(w, r, list)
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		fmt.Fprint(w, text[:len(text)/2])
		panic(http.ErrAbortHandler)
	})
}

// End ends an answer in the middle, as if that were all.
func End(only ...int) Fault {
	return on(only, func(w http.ResponseWriter, r *http.Request, list http.HandlerFunc) {
		text := record(w, r, list)
		fmt.Fprint(w, text[:len(text)/2])
	})
}

// Hang begins an answer and stays silent.
func Hang(only ...int) Fault {
	return on(only, func(w http.ResponseWriter, r *http.Request, list http.HandlerFunc) {
		text := record(w, r, list)
		fmt.Fprint(w, text[:len(text)/2])
		_ = http.NewResponseController(w).Flush() // the client notices
		select {
		case <-r.Context().Done():
		case <-time.After(time.Minute):
		}
	})
}

// Edit changes the text of answers.
func Edit(change func(string) string, only ...int) Fault {
	return on(only, func(w http.ResponseWriter, r *http.Request, list http.HandlerFunc) {
		fmt.Fprint(w, change(record(w, r, list)))
	})
}

// Zip packs all answers, and fails where the client does not take that.
func Zip(_ int, w http.ResponseWriter, r *http.Request, list http.HandlerFunc) {
	if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		fail(w, http.StatusNotAcceptable, "NotAcceptable", "ask for gzip", "")
		return
	}
	text := record(w, r, list)
	w.Header().Set("Content-Encoding", "gzip")
	z := gzip.NewWriter(w)
	fmt.Fprint(z, text)
	_ = z.Close() // the client notices
}

// Endless gives new keys with every page; never the end.
func Endless(n int, w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) {
	pages(w, "new/"+strconv.Itoa(n), "token"+strconv.Itoa(n))
}

// Again gives the same few pages in turn, with tokens that are new.
func Again(n int, w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) {
	pages(w, "old/"+strconv.Itoa(n%5), "token"+strconv.Itoa(n))
}

// Stuck gives the same token with every page.
func Stuck(n int, w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) {
	pages(w, "new/"+strconv.Itoa(n), "token")
}

// Empty gives pages without a key; never the end.
func Empty(n int, w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) {
	a := answer{}
	a.begin("bucket", "", true)
	a.add("NextContinuationToken", "token"+strconv.Itoa(n))
	fmt.Fprint(w, a.b.String()+"</ListBucketResult>")
}

func pages(w http.ResponseWriter, key, token string) {
	a := answer{}
	a.begin("bucket", "", true)
	a.add("NextContinuationToken", token)
	for i := range 3 {
		o := Object{Key: fmt.Sprintf("%s-%d", key, i), Size: 1}
		o.complete()
		a.object(&o)
	}
	fmt.Fprint(w, a.b.String()+"</ListBucketResult>")
}

// on misbehaves at the given requests; at all if none is given.
func on(only []int, f func(http.ResponseWriter, *http.Request, http.HandlerFunc)) Fault {
	return func(n int, w http.ResponseWriter, r *http.Request, list http.HandlerFunc) {
		if len(only) == 0 || slices.Contains(only, n) {
			f(w, r, list)
			return
		}
		list(w, r)
	}
}

// record gives the text of an answer, and passes on its header.
func record(w http.ResponseWriter, r *http.Request, list http.HandlerFunc) string {
	rec := httptest.NewRecorder()
	list(rec, r)
	maps.Copy(w.Header(), rec.Header())
	return rec.Body.String()
}
