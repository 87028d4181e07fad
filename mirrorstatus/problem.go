package mirrorstatus

import "strings"

// Problem says in one word why a scan failed; "" for no error. The words are
// keys of page.StatusWords.Problems, and values in JSON. The error itself is not
// for everybody: it may name URLs, paths and users that only the operator knows.
func Problem(err string) string {
	if err == "" {
		return ""
	}
	err = strings.ToLower(err)
	for _, p := range problems {
		for _, part := range p.parts {
			if strings.Contains(err, part) {
				return p.key
			}
		}
	}
	return otherProblem
}

// problems in the order in which they are tried: what is certain goes before
// what is only likely.
var problems = [...]struct {
	key   string
	parts []string
}{
	{"doubtful", []string{"nothing was taken for absent", "serves something else than was listed", "not a folder index"}},
	{"forbidden", []string{"user or password not accepted", "http status 401", "http status 403"}},
	{"missing", []string{"no such folder on the server", "http status 404", "http status 410"}},
	{"busy", []string{"server is busy", "http status 429", "http status 503"}},
	{"address", []string{"no such host", "server misbehaving"}},
	{"refused", []string{"connection refused", "no route to host", "network is unreachable", "host is down"}},
	{"certificate", []string{"x509:", "tls:", "tls handshake"}},
	{"timeout", []string{"timeout", "timed out", "deadline exceeded", "without an answer", "was silent for", "took too long"}},
	{"broken", []string{"eof", "connection reset", "broken pipe", "protocol error", "gave up", "ended the conversation"}},
}

// Problems are the words that Problem gives.
func Problems() []string {
	list := make([]string, 0, len(problems)+1)
	for _, p := range problems {
		list = append(list, p.key)
	}
	return append(list, otherProblem)
}

// otherProblem is a failure that there is no word for.
const otherProblem = "other"
