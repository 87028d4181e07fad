package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/quiet"
)

const (
	// maxDownload bounds a file, in bytes. The largest dumps have half a gigabyte.
	maxDownload = 2 << 30
	// maxFileList bounds a list of files, in bytes.
	maxFileList = 32 << 20
	// maxValidator bounds what a server may have us remember.
	maxValidator = 256

	downloadSilence = time.Minute // after which a server is given up
	downloadTime    = 2 * time.Hour

	// creationLog is the name of CAIDA's lists of files.
	creationLog = "pfx2as-creation.log"
)

// fetched is a file of a source.
type fetched struct {
	sourceState
	unchanged bool   // there was no need to fetch it
	path      string // of the file
	name      string // of the source, fit to be shown
}

// fetchSource gets a source into a file in dir, unless it is as known.
func fetchSource(ctx context.Context, source, dir string, known sourceState) (fetched, error) {
	f := fetched{name: showSource(source)}
	var err error
	if u, parseErr := url.Parse(source); parseErr == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" {
		err = f.download(ctx, u, dir, known)
	} else if strings.Contains(source, "://") {
		err = errors.New("is neither an http or https URL nor a file")
	} else {
		err = f.file(source, known)
	}
	if err != nil {
		return f, fmt.Errorf("%s: %w", f.name, err)
	}
	return f, nil
}

// file takes a file where it is.
func (f *fetched) file(name string, known sourceState) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	f.path = name
	f.Modified = fmt.Sprintf("%d bytes, %s", info.Size(), info.ModTime().UTC().Format(time.RFC3339Nano))
	if f.unchanged = f.Modified == known.Modified; f.unchanged {
		f.Sum = known.Sum
		return nil
	}
	h := sha256.New()
	_, err = io.Copy(h, file)
	f.Sum = hex.EncodeToString(h.Sum(nil))
	return err
}

// download asks for a URL, with what is known of it.
func (f *fetched) download(ctx context.Context, u *url.URL, dir string, known sourceState) error {
	ctx, cancel := context.WithTimeout(ctx, downloadTime)
	defer cancel()
	if path.Base(u.Path) == creationLog {
		var err error
		if u, err = newestOf(ctx, u); err != nil {
			return err
		}
		f.name = showSource(u.String())
	}
	res, err := get(ctx, u, known)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusNotModified && known != (sourceState{}) {
		f.sourceState, f.unchanged = known, true
		return nil
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the server answers %s", res.Status)
	}
	if res.ContentLength > maxDownload {
		return fmt.Errorf("has %d bytes, more than %d", res.ContentLength, maxDownload)
	}
	f.ETag, f.Modified = validator(res.Header.Get("ETag")), validator(res.Header.Get("Last-Modified"))
	return f.save(res.Body, dir, path.Base(u.Path))
}

// validator leaves out what is too long to be one.
func validator(s string) string {
	if len(s) > maxValidator {
		return ""
	}
	return s
}

// save writes a file whose name ends like that of the source: it tells some
// formats.
func (f *fetched) save(body io.Reader, dir, name string) error {
	if len(name) > 100 {
		name = name[len(name)-100:]
	}
	name = strings.Map(func(r rune) rune {
		if r == '.' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, name)
	file, err := os.CreateTemp(dir, "*-"+name)
	if err != nil {
		return err
	}
	defer file.Close()
	f.path = file.Name()
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(file, h), io.LimitReader(body, maxDownload+1))
	switch {
	case err != nil:
		return fmt.Errorf("after %d bytes: %w", n, err)
	case n > maxDownload:
		return fmt.Errorf("is longer than %d bytes", maxDownload)
	}
	f.Sum = hex.EncodeToString(h.Sum(nil))
	return file.Close()
}

// newestOf reads a list of files and gives the URL of the last one. Its lines
// have a number, a time, and the path of a file below the list's folder.
func newestOf(ctx context.Context, list *url.URL) (*url.URL, error) {
	res, err := get(ctx, list, sourceState{})
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the server answers %s", res.Status)
	}
	content, err := io.ReadAll(io.LimitReader(res.Body, maxFileList+1))
	if err != nil {
		return nil, err
	}
	if len(content) > maxFileList {
		return nil, fmt.Errorf("is longer than %d bytes", maxFileList)
	}
	file := ""
	for line := range strings.Lines(string(content)) {
		if words := strings.Fields(line); len(words) == 3 && words[0][0] != '#' && filepath.IsLocal(words[2]) && !strings.Contains(words[2], "://") {
			file = words[2]
		}
	}
	if file == "" {
		return nil, errors.New("names no file: lines of a number, a time and a path are expected")
	}
	u := *list
	u.Path, u.RawPath, u.RawQuery = path.Join(path.Dir(list.Path), file), "", list.RawQuery
	return &u, nil
}

// get sends a request.
func get(ctx context.Context, u *url.URL, known sourceState) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, withoutURL(err)
	}
	req.Header.Set("User-Agent", "mbctl/"+version)
	req.Header.Set("Accept-Encoding", "identity") // the files are packed, and digests are of what is stored
	if known.ETag != "" {
		req.Header.Set("If-None-Match", known.ETag)
	}
	if known.Modified != "" {
		req.Header.Set("If-Modified-Since", known.Modified)
	}
	res, err := downloads.Do(req)
	if err != nil {
		return nil, withoutURL(err)
	}
	return res, nil
}

// followDownload follows to other servers as net/http does, but not from https to
// http, and does not tell them where it came from: a key may be in that URL.
func followDownload(to *http.Request, via []*http.Request) error {
	to.Header.Del("Referer")
	switch {
	case len(via) >= 10:
		return errors.New("stopped after 10 redirects")
	case via[0].URL.Scheme == "https" && to.URL.Scheme == "http":
		return errors.New("redirected from https to http")
	}
	return nil
}

var downloads = &http.Client{CheckRedirect: followDownload, Transport: &http.Transport{
	Proxy: http.ProxyFromEnvironment,
	DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		d := net.Dialer{Timeout: downloadSilence}
		c, err := d.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return quiet.Wrap(c, downloadSilence), nil
	},
	ForceAttemptHTTP2: true,
	DisableKeepAlives: true, // one file from each server
}}

// withoutURL leaves the URL out of an error: it may have a password in it, and
// is named already.
func withoutURL(err error) error {
	if ue, ok := errors.AsType[*url.Error](err); ok {
		return ue.Err
	}
	return err
}
