package note

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// Store is what a receiver needs of the database.
type Store interface {
	Wish(ctx context.Context, w store.Wish) (id int64, err error)
	Wishes(ctx context.Context) ([]store.Wish, error)
	Mirror(ctx context.Context, name string) (mirror.Mirror, error)
	FolderIDs(ctx context.Context, folder string) (ids *roaring.Bitmap, files, size int64, err error)
}

// Receiver takes notes, and makes wishes of them.
type Receiver struct {
	// Path is where notes are sent to. Below it their states are asked for.
	Path string
	// Tokens are the secrets: any of them is good.
	Tokens []string
	// Foreign are the folders that a webhook without paths is about.
	Foreign []string
	// ScanAfter is how long after a note of a change all mirrors are scanned for
	// it; 0: not at all.
	ScanAfter time.Duration
	Store     Store
	Memory    *Memory
	Log       *slog.Logger
	Now       func() time.Time // default: time.Now

	bodyTime time.Duration // 0: the default
}

// Peer is what the web server knows of a client.
type Peer struct {
	Addr   netip.Addr
	Secure bool   // it speaks TLS
	Path   string // of the URL as it was sent, percent-encoded
}

// Answer is what a note is answered with, and the question for its state.
type Answer struct {
	ID    string `json:"id"`
	State string `json:"state"`
}

// The states of a note.
const (
	Waiting = "waiting" // it is still to be done, or being done
	Done    = "done"
)

const (
	bodyTime     = 10 * time.Second // for the body of a request
	databaseTime = 15 * time.Second
	maxID        = 4 << 10 // bytes
)

// Mine reports whether a request is the receiver's to answer.
func (rc *Receiver) Mine(r *http.Request) bool {
	rest, ok := strings.CutPrefix(r.URL.Path, rc.Path)
	return ok && (rest == "" || rest[0] == '/')
}

// Serve answers a request.
func (rc *Receiver) Serve(w http.ResponseWriter, r *http.Request, p Peer) {
	w.Header().Set("Cache-Control", "no-store")
	// Left as it is where the body did not end: the server reads what is left of
	// it before it is done with the request.
	ctl := http.NewResponseController(w)
	limited := ctl.SetReadDeadline(time.Now().Add(cmp.Or(rc.bodyTime, bodyTime))) == nil
	id := strings.TrimPrefix(r.URL.Path[len(rc.Path):], "/")
	method := http.MethodPost
	if id != "" {
		method = http.MethodGet
	}
	if r.Method != method {
		w.Header().Set("Allow", method)
		refuse(w, http.StatusMethodNotAllowed, "notes are sent by POST, and asked for by GET")
		return
	}
	leave, ok := rc.Memory.enter(p.Addr)
	if !ok {
		later(w, http.StatusServiceUnavailable, time.Second, "too many requests at once")
		return
	}
	defer leave()
	body, err := readBody(w, r)
	if err == nil && limited {
		_ = ctl.SetReadDeadline(time.Time{})
	}
	switch _, large := errors.AsType[*http.MaxBytesError](err); {
	case large:
		w.Header().Set("Connection", "close")
		refuse(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("more than %d bytes", MaxBody))
		return
	case err != nil:
		w.Header().Set("Connection", "close")
		refuse(w, http.StatusBadRequest, "the body did not arrive")
		return
	}
	req := request{
		Message: Message{r.Method, p.Path, body}, header: r.Header,
		secure: p.Secure || p.Addr.IsLoopback(), mirror: mirrorIn(body),
	}
	if id != "" {
		req.mirror, _, _ = cutID(id)
	}
	c := identify(req, rc.Tokens, rc.now())
	if !c.ok {
		rc.logRefusal(r, p, c)
		w.Header().Set("WWW-Authenticate", "Bearer")
		refuse(w, http.StatusUnauthorized, "not authorized")
		return
	}
	if id != "" {
		rc.state(w, r, c, id)
		return
	}
	rc.take(w, r, c, body)
}

// readBody reads a body of bounded size.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.ContentLength > MaxBody {
		return nil, &http.MaxBytesError{Limit: MaxBody}
	}
	return io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
}

// logRefusal helps those who set a sender up; the sender itself is told nothing.
func (rc *Receiver) logRefusal(r *http.Request, p Peer, c caller) {
	switch {
	case c.clear:
		rc.Log.WarnContext(r.Context(), "a note with a secret came without TLS and was refused; whoever listened knows the secret now", "client", p.Addr)
	case c.stale:
		rc.Log.InfoContext(r.Context(), "a note was refused: its signature is right, but its time is not; are both clocks set?", "client", p.Addr)
	default:
		rc.Log.DebugContext(r.Context(), "a note was refused: no key fits its signature", "client", p.Addr)
	}
}

// take makes wishes of a note.
func (rc *Receiver) take(w http.ResponseWriter, r *http.Request, c caller, body []byte) {
	read := parse
	if c.foreign {
		read = parseForeign
	}
	n, err := read(body)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	if c.mirror != "" && n.Mirror != c.mirror {
		refuse(w, http.StatusUnauthorized, "not authorized")
		return
	}
	now := rc.now()
	if c.once != [32]byte{} && !rc.Memory.first(c.once, now) {
		rc.Log.InfoContext(r.Context(), "a note was refused: it came before", "mirror", n.Mirror)
		refuse(w, http.StatusUnauthorized, "not authorized")
		return
	}
	wait := rc.Memory.take("note "+n.Mirror, notesBurst, notesEvery, now)
	if wait == 0 { // else it takes nothing away from others
		wait = rc.Memory.take("", totalBurst, totalEvery, now)
	}
	if wait > 0 {
		later(w, http.StatusTooManyRequests, wait, "too many notes")
		return
	}
	if c.foreign && len(n.Paths) == 0 {
		n.Paths = rc.Foreign
	}
	id, err := rc.wish(r.Context(), n, c)
	switch {
	case errors.Is(err, store.ErrNotFound):
		refuse(w, http.StatusNotFound, fmt.Sprintf("there is no mirror %s", n.Mirror))
	case err != nil:
		rc.away(w, r, err)
	default:
		rc.Log.InfoContext(r.Context(), "note taken", "mirror", n.Mirror, "paths", len(n.Paths), "id", id)
		w.Header().Set("Location", rc.Path+"/"+id)
		reply(w, http.StatusAccepted, Answer{id, Waiting})
	}
}

// away answers when the database does not.
func (rc *Receiver) away(w http.ResponseWriter, r *http.Request, err error) {
	rc.Log.WarnContext(r.Context(), "a note could not be taken, the database does not answer", "error", err)
	later(w, http.StatusServiceUnavailable, 30*time.Second, "the database does not answer")
}

// wish makes the wishes, and gives the id under which they are asked for. The
// error is ErrNotFound for a mirror that there is not.
func (rc *Receiver) wish(ctx context.Context, n Note, c caller) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, databaseTime)
	defer cancel()
	w := store.Wish{Kind: store.WishIndex, Who: "a note of a change"}
	switch {
	case n.Mirror != "":
		m, err := rc.Store.Mirror(ctx, n.Mirror)
		if err != nil {
			return "", err
		}
		w = store.Wish{Kind: store.WishScan, Mirror: m.ID, Who: "a note of mirror " + m.Name}
	case c.foreign:
		w.Who = "a webhook"
	}
	folders, err := rc.folders(ctx, n.Paths)
	if err != nil {
		return "", err
	}
	var ids []string
	for _, w.Subtree = range folders {
		id, err := rc.Store.Wish(ctx, w)
		if err != nil {
			return "", err
		}
		ids = append(ids, strconv.FormatInt(id, 10))
		if w.Kind == store.WishIndex && rc.ScanAfter > 0 {
			after := w
			after.Kind, after.Due = store.WishScan, rc.now().Add(rc.ScanAfter)
			if _, err := rc.Store.Wish(ctx, after); err != nil {
				return "", err
			}
		}
	}
	return joinID(n.Mirror, ids), nil
}

// folders gives the folders that paths are about: what ends in a slash, or is
// known to be a folder, itself; of everything else the folder that it is in.
func (rc *Receiver) folders(ctx context.Context, paths []string) ([]string, error) {
	if len(paths) == 0 {
		return []string{""}, nil
	}
	var out []string
	for _, p := range paths {
		f, err := mirror.CleanSubtree(p)
		if err != nil {
			return nil, err
		}
		if f != "" && !strings.HasSuffix(p, "/") {
			_, _, _, err := rc.Store.FolderIDs(ctx, f)
			switch {
			case errors.Is(err, store.ErrNotFound):
				f = f[:max(0, strings.LastIndexByte(f, '/'))]
			case err != nil:
				return nil, err
			}
		}
		out = append(out, f)
	}
	return outermost(out), nil
}

// joinID and cutID: an id names the mirror, if there is one, and the wishes.
func joinID(mirrorName string, wishes []string) string {
	id := strings.Join(wishes, ".")
	if mirrorName != "" {
		id = mirrorName + ":" + id
	}
	return id
}

func cutID(id string) (mirrorName string, wishes []int64, ok bool) {
	if len(id) > maxID {
		return "", nil, false
	}
	mirrorName, list, named := strings.Cut(id, ":")
	if !named {
		mirrorName, list = "", id
	} else if mirror.ValidName(mirrorName) != nil {
		return "", nil, false
	}
	for text := range strings.SplitSeq(list, ".") {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n <= 0 {
			return "", nil, false
		}
		wishes = append(wishes, n)
	}
	return mirrorName, wishes, true
}

// state tells whether what a note asked for was done.
func (rc *Receiver) state(w http.ResponseWriter, r *http.Request, c caller, id string) {
	name, ids, ok := cutID(id)
	if !ok {
		refuse(w, http.StatusNotFound, "there is no such note")
		return
	}
	if wait := rc.Memory.take("ask "+name, askBurst, askEvery, rc.now()); wait > 0 {
		later(w, http.StatusTooManyRequests, wait, "too many questions")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), databaseTime)
	defer cancel()
	state, err := rc.stateOf(ctx, c, name, ids)
	switch {
	case errors.Is(err, store.ErrNotFound):
		refuse(w, http.StatusNotFound, "there is no such note")
	case err != nil:
		rc.away(w, r, err)
	default:
		if state == Waiting {
			w.Header().Set("Retry-After", "5")
		}
		reply(w, http.StatusOK, Answer{id, state})
	}
}

func (rc *Receiver) stateOf(ctx context.Context, c caller, name string, ids []int64) (string, error) {
	var m mirror.Mirror
	if name != "" {
		var err error
		if m, err = rc.Store.Mirror(ctx, name); err != nil {
			return "", err
		}
	}
	list, err := rc.Store.Wishes(ctx)
	if err != nil {
		return "", err
	}
	state := Done
	for _, w := range list {
		for _, id := range ids {
			switch {
			case w.ID != id:
			case c.mirror != "" && w.Mirror != m.ID:
				return "", store.ErrNotFound // another's
			default:
				state = Waiting
			}
		}
	}
	return state, nil
}

func (rc *Receiver) now() time.Time {
	if rc.Now == nil {
		return time.Now()
	}
	return rc.Now()
}

// seconds rounds up, and is never 0.
func seconds(d time.Duration) string {
	return strconv.Itoa(max(1, int(math.Ceil(d.Seconds()))))
}
