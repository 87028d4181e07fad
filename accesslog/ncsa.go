package accesslog

import (
	"bytes"
)

// parseNCSA reads the common and the combined log format, as Apache's mod_log_config
// and nginx write them, also with the host's name before the rest (vhost_combined):
//
//	[HOST[:PORT]] ADDR IDENT USER [TIME] "METHOD TARGET PROTOCOL" STATUS BYTES ["REFERER" "AGENT"]
//
// What follows is given as rest.
func (r *Reader) parseNCSA(line []byte, e *Entry) (rest []byte, ok bool) {
	if line, ok = r.who(line, e); !ok {
		return nil, false
	}
	request, line, ok := r.quoted(line)
	if !ok {
		return nil, false
	}
	r.requestLine(request, e)
	field, line := word(line)
	if e.Status, ok = status(field); !ok {
		return nil, false
	}
	field, line = word(line)
	if n, ok := number(field); ok {
		e.Bytes = n
	} else if string(field) == "-" {
		e.Bytes = 0
	} else {
		return nil, false
	}
	if len(line) == 0 || line[0] != '"' {
		return line, true
	}
	if _, line, ok = r.quoted(line); !ok { // Referer
		return nil, false
	}
	if len(line) == 0 || line[0] != '"' {
		return line, true
	}
	agent, line, ok := r.quoted(line)
	if ok && string(agent) != "-" {
		e.Agent = r.intern(agent)
	}
	return line, ok
}

// who reads what stands before the request: host, client, user and time.
func (r *Reader) who(line []byte, e *Entry) (rest []byte, ok bool) {
	// Names of users may hold anything, brackets too.
	for at := 0; ; at++ {
		i := bytes.Index(line[at:], []byte(" ["))
		if i < 0 {
			return nil, false
		}
		at += i
		after := line[at+2:]
		if len(after) < 27 || after[26] != ']' {
			continue
		}
		if e.Time, ok = ncsaTime(after[:26]); ok {
			r.client(line[:at], e)
			return bytes.TrimLeft(after[27:], " "), true
		}
	}
}

// client reads the client's address, which is the first field, or the second one
// where the first names the host.
func (r *Reader) client(b []byte, e *Entry) {
	first, b := word(b)
	first = bytes.Trim(first, `"`) // some log X-Forwarded-For in its place
	first = bytes.TrimRight(first, ",")
	if e.Addr = address(first); e.Addr.IsValid() {
		return
	}
	second, b := word(b)
	e.Addr = address(second)
	// Before the time, a client has two more fields behind it, and the name of a
	// host three.
	if _, b = word(b); e.Addr.IsValid() || len(b) > 0 {
		e.host(r.intern(first))
	}
}

// requestLine reads "GET /path HTTP/1.1".
func (r *Reader) requestLine(b []byte, e *Entry) {
	method, b, found := bytes.Cut(b, []byte(" "))
	if !found || len(method) > 32 {
		return // "-", or what no client should send
	}
	e.Method = r.intern(method)
	if i := bytes.LastIndex(b, []byte(" HTTP/")); i >= 0 {
		b = b[:i]
	}
	e.target(b)
}

// word gives what comes before the next space, and what follows the spaces.
func word(b []byte) (field, rest []byte) {
	i := bytes.IndexByte(b, ' ')
	if i < 0 {
		return b, nil
	}
	return b[:i], bytes.TrimLeft(b[i:], " ")
}

// quoted reads a field in quotes. Apache escapes quotes, backslashes and what cannot
// be printed as C does, nginx all of that as \xHH.
func (r *Reader) quoted(b []byte) (field, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '"' {
		return nil, nil, false
	}
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '"':
			return b[1:i], bytes.TrimLeft(b[i+1:], " "), true
		case '\\':
			return r.unescaped(b[1:], i-1)
		}
	}
	return nil, nil, false
}

// unescaped reads on at the first backslash, b[at]. The result is good until the
// next call.
func (r *Reader) unescaped(b []byte, at int) (field, rest []byte, ok bool) {
	out := r.scratch[:0]
	out = append(out, b[:at]...)
	for i := at; i < len(b); i++ {
		switch {
		case b[i] == '"':
			r.scratch = out
			return out, bytes.TrimLeft(b[i+1:], " "), true
		case b[i] != '\\' || i+1 == len(b):
			out = append(out, b[i])
		case b[i+1] == 'x' && i+3 < len(b) && isHex(b[i+2]) && isHex(b[i+3]):
			out = append(out, hexValue(b[i+2])<<4|hexValue(b[i+3]))
			i += 3
		default:
			i++
			out = append(out, plainEscape(b[i]))
		}
	}
	return nil, nil, false
}

// plainEscape gives what a backslash and c stand for.
func plainEscape(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 't':
		return '\t'
	case 'r':
		return '\r'
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'v':
		return '\v'
	}
	return c
}
