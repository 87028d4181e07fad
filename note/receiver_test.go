package note

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

const (
	token    = "0123456789abcdef0123456789abcdef"
	oldToken = "an older one that is still accepted"
)

// post office: a receiver on a real web server, with a real database.
type office struct {
	t      *testing.T
	db     *store.Store
	url    string
	rc     *Receiver
	secure bool
	addr   netip.Addr // of all clients
	now    time.Time
}

func newOffice(t *testing.T) *office {
	t.Helper()
	db, err := store.Open("sqlite://"+filepath.Join(t.TempDir(), "mb.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	o := &office{t: t, db: db, addr: netip.MustParseAddr("192.0.2.1"), now: time.Now()}
	o.rc = &Receiver{
		Path: "/hooks", Tokens: []string{token, oldToken}, Store: db, Memory: new(Memory),
		Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return o.now },
	}
	for _, name := range []string{"alpha", "beta"} {
		m := mirror.Mirror{Name: name, HTTP: []string{"http://" + name + ".example/"}, Score: 100}
		if err := db.CreateMirror(t.Context(), &m, "test"); err != nil {
			t.Fatal(err)
		}
	}
	l, err := db.Acquire(t.Context(), "index", "test", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ApplyIndex(t.Context(), l, store.IndexBatch{Add: []store.NewFile{{Path: "rel/2.1/x.iso", Size: 1, MTime: 1, Precision: 1}}}); err != nil {
		t.Fatal(err)
	}
	if err := db.FinishIndex(t.Context(), l, store.Origin{URL: "file:///x"}, store.IndexStats{}); err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !o.rc.Mine(r) {
			http.NotFound(w, r)
			return
		}
		o.rc.Serve(w, r, Peer{Addr: o.addr, Secure: o.secure, Path: r.URL.EscapedPath()})
	}))
	t.Cleanup(web.Close)
	o.url = web.URL
	return o
}

// send sends a request and gives its status, header and body.
func (o *office) send(method, path, body string, header http.Header) (int, http.Header, string) {
	o.t.Helper()
	r, err := http.NewRequestWithContext(o.t.Context(), method, o.url+path, strings.NewReader(body))
	if err != nil {
		o.t.Fatal(err)
	}
	r.Header = header.Clone()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		o.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, string(b)
}

func signed(method, path, body, key string, at time.Time) http.Header {
	return http.Header{http.CanonicalHeaderKey(Header): {Message{method, path, []byte(body)}.Sign(key, at)}}
}

func (o *office) wishes() []store.Wish {
	o.t.Helper()
	list, err := o.db.Wishes(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	return list
}

// granted gives the wishes and takes them away.
func (o *office) granted() []store.Wish {
	o.t.Helper()
	list := o.wishes()
	for _, w := range list {
		if err := o.db.Grant(o.t.Context(), w); err != nil {
			o.t.Fatal(err)
		}
	}
	return list
}

func TestNotes(t *testing.T) {
	o := newOffice(t)
	scan := func(m mirror.ID, folder string) store.Wish {
		return store.Wish{Kind: store.WishScan, Mirror: m, Subtree: folder}
	}
	index := func(folder string) store.Wish { return store.Wish{Kind: store.WishIndex, Subtree: folder} }
	for name, tt := range map[string]struct {
		key, body string
		status    int
		want      []store.Wish
	}{
		"a mirror, all":               {MirrorKey(token, "alpha"), `{"mirror":"alpha"}`, 202, []store.Wish{scan(1, "")}},
		"a mirror, of an old token":   {MirrorKey(oldToken, "beta"), `{"mirror":"beta"}`, 202, []store.Wish{scan(2, "")}},
		"a mirror by the token":       {token, `{"mirror":"beta","paths":["rel/"]}`, 202, []store.Wish{scan(2, "rel")}},
		"a change":                    {token, `{"paths":["rel/2.1/"]}`, 202, []store.Wish{index("rel/2.1")}},
		"all has changed":             {token, ``, 202, []store.Wish{index("")}},
		"a known folder, no slash":    {token, `{"paths":["/rel/2.1"]}`, 202, []store.Wish{index("rel/2.1")}},
		"a known file":                {token, `{"paths":["rel/2.1/x.iso"]}`, 202, []store.Wish{index("rel/2.1")}},
		"nobody knows what":           {token, `{"paths":["rel/new"]}`, 202, []store.Wish{index("rel")}},
		"a new folder":                {token, `{"paths":["rel/new/"]}`, 202, []store.Wish{index("rel/new")}},
		"one below another":           {token, `{"paths":["rel/new/","rel/new/a/","rel/new/"]}`, 202, []store.Wish{index("rel/new")}},
		"several":                     {token, `{"paths":["b/","a/"]}`, 202, []store.Wish{index("a"), index("b")}},
		"another's key":               {MirrorKey(token, "alpha"), `{"mirror":"beta"}`, 401, nil},
		"a mirror's key for a change": {MirrorKey(token, "alpha"), `{"paths":["rel/"]}`, 401, nil},
		"two names":                   {MirrorKey(token, "alpha"), `{"mirror":"beta","mirror":"alpha"}`, 202, []store.Wish{scan(1, "")}},
		"no such mirror":              {token, `{"mirror":"gamma"}`, 404, nil},
		"no such mirror, its key":     {MirrorKey(token, "gamma"), `{"mirror":"gamma"}`, 404, nil},
		"no such mirror, no key":      {"x", `{"mirror":"gamma"}`, 401, nil},
		"no key":                      {"", `{"mirror":"alpha"}`, 401, nil},
		"the key of no name":          {MirrorKey(token, ""), `{"paths":["rel/"]}`, 401, nil},
		"outside the tree":            {token, `{"paths":["../etc/"]}`, 400, nil},
		"a NUL byte":                  {token, `{"paths":["a\u0000b"]}`, 400, nil},
		"no UTF-8":                    {token, "{\"paths\":[\"\xff/\"]}", 400, nil},
		"no name":                     {token, `{"mirror":"a b"}`, 400, nil},
		"an unknown field":            {token, `{"path":"rel/"}`, 400, nil},
		"two documents":               {token, `{"mirror":"alpha"}{"mirror":"beta"}`, 400, nil},
		"no JSON":                     {token, `mirror=alpha`, 400, nil},
		"101 paths":                   {token, `{"paths":["a/"` + strings.Repeat(`,"a/"`, 100) + `]}`, 400, nil},
	} {
		t.Run(name, func(t *testing.T) {
			o.now = o.now.Add(10 * time.Minute)
			status, h, body := o.send("POST", "/hooks", tt.body, signed("POST", "/hooks", tt.body, tt.key, o.now))
			if status != tt.status {
				t.Errorf("status %d %s, want %d", status, body, tt.status)
			}
			if diff := cmp.Diff(tt.want, o.granted(), cmpopts.IgnoreFields(store.Wish{}, "ID", "At", "Due", "Times", "Who")); diff != "" {
				t.Errorf("wishes: -want +got:\n%s", diff)
			}
			if status == http.StatusUnauthorized && body != "{\"error\":\"not authorized\"}\n" {
				t.Errorf("says too much: %s", body)
			}
			var a Answer
			if status == http.StatusAccepted && (json.Unmarshal([]byte(body), &a) != nil || a.State != Waiting || h.Get("Location") != "/hooks/"+a.ID) {
				t.Errorf("answer %s, %v", body, h)
			}
		})
	}
}

func TestForgedNotes(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	const body = `{"mirror":"alpha"}`
	key := MirrorKey(token, "alpha")
	good := signed("POST", "/hooks", body, key, o.now).Get(Header)
	when, digits, _ := strings.Cut(good, ",v1=")
	for name, values := range map[string][]string{
		"nothing":         nil,
		"empty":           {""},
		"of another body": {Message{"POST", "/hooks", []byte(`{"mirror":"beta"}`)}.Sign(key, o.now)},
		"of another path": {Message{"POST", "/hooks/", []byte(body)}.Sign(key, o.now)},
		"of a GET":        {Message{"GET", "/hooks", []byte(body)}.Sign(key, o.now)},
		"too old":         {Message{"POST", "/hooks", []byte(body)}.Sign(key, o.now.Add(-MaxSkew-time.Second))},
		"of the future":   {Message{"POST", "/hooks", []byte(body)}.Sign(key, o.now.Add(MaxSkew+2*time.Second))},
		"another time":    {fmt.Sprintf("t=%d,v1=%s", o.now.Unix()+1, digits)},
		"time as 0t":      {"t=0" + when[2:] + ",v1=" + digits},
		"two times":       {when + "," + good},
		"two sums":        {good + ",v1=" + digits},
		"two headers":     {good, good},
		"no time":         {"v1=" + digits},
		"no sum":          {when},
		"half a sum":      {when + ",v1=" + digits[:32]},
		"negative time":   {"t=-1,v1=" + digits},
		"no number":       {"t=now,v1=" + digits},
		"long":            {good + ",x=" + strings.Repeat("y", 600)},
		"the key itself":  {key},
	} {
		h := http.Header{}
		if values != nil {
			h[Header] = values
		}
		if status, _, b := o.send("POST", "/hooks", body, h); status != http.StatusUnauthorized || b != "{\"error\":\"not authorized\"}\n" {
			t.Errorf("%s: %d %s", name, status, b)
		}
	}
	if w := o.wishes(); len(w) > 0 {
		t.Fatalf("wishes %+v", w)
	}
	// The good one is good once, also when a newer field is beside it.
	h := http.Header{Header: {good + ", v2=x"}}
	if status, _, b := o.send("POST", "/hooks", body, h); status != http.StatusAccepted {
		t.Fatalf("good: %d %s", status, b)
	}
	for _, again := range []string{good, strings.ToUpper(digits)} {
		if again != good {
			again = when + ",v1=" + again
		}
		if status, _, _ := o.send("POST", "/hooks", body, http.Header{Header: {again}}); status != http.StatusUnauthorized {
			t.Errorf("replayed: %d", status)
		}
	}
	o.now = o.now.Add(forgetAfter + time.Second)
	if status, _, _ := o.send("POST", "/hooks", body, http.Header{Header: {good}}); status != http.StatusUnauthorized {
		t.Errorf("replayed when it is forgotten: %d", status)
	}
}

func TestSecrets(t *testing.T) {
	o := newOffice(t)
	o.rc.Foreign = []string{"repo/", "dist/"}
	mac := func(key, body string) string {
		h := hmac.New(sha256.New, []byte(key))
		h.Write([]byte(body))
		return "sha256=" + hex.EncodeToString(h.Sum(nil))
	}
	const push = `{"ref":"refs/tags/v2","repository":{"name":"x"},"mirror":"alpha"}`
	for name, tt := range map[string]struct {
		secure       bool
		addr         string
		field, value string
		body         string
		status       int
		folders      string
	}{
		"bearer":                 {true, "", "Authorization", "Bearer " + token, `{"paths":["a/"]}`, 202, "a"},
		"bearer of a mirror":     {true, "", "Authorization", "Bearer " + MirrorKey(token, "alpha"), `{"mirror":"alpha"}`, 202, ""},
		"bearer of another":      {true, "", "Authorization", "Bearer " + MirrorKey(token, "alpha"), `{"mirror":"beta"}`, 401, ""},
		"bearer, wrong":          {true, "", "Authorization", "Bearer " + token + "x", `{}`, 401, ""},
		"bearer, nothing":        {true, "", "Authorization", "Bearer ", `{}`, 401, ""},
		"basic":                  {true, "", "Authorization", "Basic " + token, `{}`, 401, ""},
		"bearer in the clear":    {false, "", "Authorization", "Bearer " + token, `{"paths":["a/"]}`, 401, ""},
		"bearer on loopback":     {false, "127.0.0.1", "Authorization", "Bearer " + token, `{"paths":["a/"]}`, 202, "a"},
		"GitLab":                 {true, "", "X-Gitlab-Token", token, push, 202, "dist,repo"},
		"GitLab in the clear":    {false, "", "X-Gitlab-Token", token, push, 401, ""},
		"GitLab, a mirror's key": {true, "", "X-Gitlab-Token", MirrorKey(token, "alpha"), push, 401, ""},
		"GitHub":                 {false, "", "X-Hub-Signature-256", mac(token, push), push, 202, "dist,repo"},
		"GitHub, old token":      {false, "", "X-Hub-Signature-256", mac(oldToken, push), push, 202, "dist,repo"},
		"GitHub with paths":      {false, "", "X-Hub-Signature-256", mac(token, `{"paths":["z/"],"x":1}`), `{"paths":["z/"],"x":1}`, 202, "z"},
		"GitHub, odd paths":      {false, "", "X-Hub-Signature-256", mac(token, `{"paths":{"z":1}}`), `{"paths":{"z":1}}`, 202, "dist,repo"},
		"GitHub, other body":     {false, "", "X-Hub-Signature-256", mac(token, push), push + " ", 401, ""},
		"GitHub, a mirror's key": {false, "", "X-Hub-Signature-256", mac(MirrorKey(token, "alpha"), push), push, 401, ""},
		"GitHub, how a key is made": {
			false, "", "X-Hub-Signature-256", "sha256=" + MirrorKey(token, "alpha"), "mirror:alpha", 401, "",
		},
		"GitHub, a note that was seen": {
			false, "", "X-Hub-Signature-256", mac(token, "POST\n/hooks\n1700000000\n{}"), "POST\n/hooks\n1700000000\n{}", 401, "",
		},
		"GitHub, no digits":       {false, "", "X-Hub-Signature-256", "sha256=xyz", push, 401, ""},
		"GitHub, SHA-1":           {false, "", "X-Hub-Signature", mac(token, push), push, 401, ""},
		"GitHub, outside of tree": {false, "", "X-Hub-Signature-256", mac(token, `{"paths":["../z"]}`), `{"paths":["../z"]}`, 400, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o.now, o.secure = o.now.Add(10*time.Minute), tt.secure
			o.addr = netip.MustParseAddr("192.0.2.1")
			if tt.addr != "" {
				o.addr = netip.MustParseAddr(tt.addr)
			}
			status, _, body := o.send("POST", "/hooks", tt.body, http.Header{tt.field: {tt.value}})
			if status != tt.status {
				t.Errorf("status %d %s, want %d", status, body, tt.status)
			}
			var folders []string
			for _, w := range o.granted() {
				folders = append(folders, w.Subtree)
			}
			if got := strings.Join(folders, ","); got != tt.folders {
				t.Errorf("folders %q, want %q", got, tt.folders)
			}
		})
	}
}

func TestScanAfter(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.rc.ScanAfter = time.Hour
	if status, _, b := o.send("POST", "/hooks", `{"paths":["a/"]}`, signed("POST", "/hooks", `{"paths":["a/"]}`, token, o.now)); status != 202 {
		t.Fatal(status, b)
	}
	w := o.wishes()
	if len(w) != 2 || w[0].Kind != store.WishIndex || w[1].Kind != store.WishScan || w[1].Subtree != "a" || w[1].Due.Sub(o.now).Abs() > time.Hour+time.Second || w[1].Due.Before(o.now.Add(59*time.Minute)) {
		t.Errorf("wishes %+v", w)
	}
}

func TestStates(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	alpha, beta := MirrorKey(token, "alpha"), MirrorKey(token, "beta")
	ask := func(key, id string) string {
		t.Helper()
		status, h, body := o.send("GET", "/hooks/"+id, "", signed("GET", "/hooks/"+id, "", key, o.now))
		if h.Get("Cache-Control") != "no-store" {
			t.Errorf("Cache-Control %q", h.Get("Cache-Control"))
		}
		var a Answer
		_ = json.Unmarshal([]byte(body), &a)
		return fmt.Sprint(status, " ", a.State)
	}
	post := func(key, body string) string {
		t.Helper()
		_, _, b := o.send("POST", "/hooks", body, signed("POST", "/hooks", body, key, o.now))
		var a Answer
		if err := json.Unmarshal([]byte(b), &a); err != nil || a.ID == "" {
			t.Fatalf("%s: %v", b, err)
		}
		return a.ID
	}
	one := post(alpha, `{"mirror":"alpha","paths":["a/","b/"]}`)
	if one != "alpha:1.2" {
		t.Errorf("id %q", one)
	}
	two := post(token, `{"paths":["c/"]}`)
	for _, tt := range []struct{ key, id, want string }{
		{alpha, one, "200 waiting"},
		{token, one, "200 waiting"},
		{beta, one, "401 "},
		{token, two, "200 waiting"},
		{alpha, two, "401 "},
		{alpha, "alpha:3", "404 "}, // another's wish under its own name
		{alpha, "alpha:99", "200 done"},
		{alpha, "alpha:x", "401 "},
		{token, "x", "404 "},
		{token, "0", "404 "},
		{token, "1.", "404 "},
		{token, "1/2", "404 "},
		{token, "gamma:1", "404 "},
		{"", two, "401 "},
	} {
		if got := ask(tt.key, tt.id); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.id, got, tt.want)
		}
	}
	for i, w := range o.wishes() {
		if got := ask(alpha, one); got != "200 waiting" {
			t.Errorf("after %d: %s", i, got)
		}
		if w.Subtree == "b" { // made again while it was being done
			post(token, `{"mirror":"alpha","paths":["b/"]}`)
		}
		if err := o.db.Grant(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	}
	if got := ask(alpha, one) + ask(token, two); got != "200 waiting200 done" {
		t.Errorf("after all: %s", got)
	}
	for _, w := range o.wishes() {
		if err := o.db.Grant(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	}
	if got := ask(alpha, one); got != "200 done" {
		t.Errorf("at last: %s", got)
	}
}

func TestMethods(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	for _, tt := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/hooks", 405, "POST"},
		{"HEAD", "/hooks", 405, "POST"},
		{"PUT", "/hooks", 405, "POST"},
		{"OPTIONS", "/hooks", 405, "POST"},
		{"POST", "/hooks/1", 405, "GET"},
		{"DELETE", "/hooks/1", 405, "GET"},
		{"GET", "/hooks/1", 401, ""},
		{"POST", "/hooks/", 401, ""},
		{"POST", "/hooksx", 404, ""},
		{"POST", "/", 404, ""},
	} {
		status, h, _ := o.send(tt.method, tt.path, "", signed(tt.method, tt.path, "", "wrong", o.now))
		if status != tt.status || h.Get("Allow") != tt.allow {
			t.Errorf("%s %s: %d, Allow %q", tt.method, tt.path, status, h.Get("Allow"))
		}
	}
}

func TestSpeakable(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"a/b": "a/b", "a/b/": "a/b/", "a/\xff": "a/", "a/\xff/c/": "a/", "\xff": "", "": "", "\xff/": ""} {
		if got := Speakable(in); got != want {
			t.Errorf("Speakable(%q) = %q, want %q", in, got, want)
		}
	}
}

// The derivation is documented, so that it can be made elsewhere:
// printf mirror:alpha | openssl dgst -sha256 -hmac TOKEN.
func TestMirrorKey(t *testing.T) {
	t.Parallel()
	h := hmac.New(sha256.New, []byte(token))
	h.Write([]byte("mirror:alpha"))
	if got := MirrorKey(token, "alpha"); got != hex.EncodeToString(h.Sum(nil)) {
		t.Error(got)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	var m Memory
	now := time.Unix(1e9, 0)
	for i := range maxSeen {
		if !m.first(sha256.Sum256([]byte{byte(i), byte(i >> 8)}), now) {
			t.Fatal(i)
		}
	}
	if m.first(sha256.Sum256([]byte("x")), now) || len(m.seen) != maxSeen {
		t.Errorf("%d remembered", len(m.seen))
	}
	if !m.first(sha256.Sum256([]byte("x")), now.Add(forgetAfter+time.Second)) || len(m.seen) != 1 {
		t.Errorf("%d remembered in the end", len(m.seen))
	}
	for i := range 2 * maxBuckets {
		m.take(fmt.Sprint(i), 1, time.Second, now)
	}
	if len(m.buckets) != maxBuckets {
		t.Errorf("%d buckets", len(m.buckets))
	}
	if w := m.take("new", 1, time.Second, now.Add(time.Hour)); w != 0 || len(m.buckets) != 1 {
		t.Errorf("wait %v, %d buckets", w, len(m.buckets))
	}
}
