package store

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Shell is the command that opens a database's own client.
type Shell struct {
	Args []string // program and arguments; none of them is a secret
	File string   // that must be there: SQLite's; "" none
	Env  []string // NAME=VALUE, besides the environment of this process
}

// ShellCommand says how to open the client of the database at dbURL (""
// meaning DefaultURL): psql or sqlite3. A password goes into the environment,
// as others see arguments.
func ShellCommand(dbURL string) (Shell, error) {
	if dbURL == "" {
		var err error
		if dbURL, err = DefaultURL(); err != nil {
			return Shell{}, err
		}
	}
	scheme, rest, _ := strings.Cut(dbURL, ":")
	switch scheme {
	case "sqlite":
		path, err := sqlitePath(rest)
		if err != nil {
			return Shell{}, err
		}
		return Shell{Args: []string{"sqlite3", "-cmd", ".timeout 5000", path}, File: path}, nil
	case "postgres", "postgresql":
		return psqlCommand(dbURL)
	}
	return Shell{}, fmt.Errorf("database URL %q: must begin with postgres:// or sqlite:///", redact(dbURL))
}

// psqlCommand takes from the URL what psql must not or cannot be given. It is
// cut by hand: a URL may name several hosts, which net/url does not take.
func psqlCommand(dbURL string) (Shell, error) {
	var sh Shell
	scheme, rest, ok := strings.Cut(dbURL, "://")
	if !ok {
		return sh, fmt.Errorf("database URL: must begin with %s://", scheme[:strings.IndexByte(scheme, ':')])
	}
	rest, query, hasQuery := strings.Cut(rest, "?")
	password := ""
	authority, path, hasPath := strings.Cut(rest, "/")
	hosts := authority[strings.LastIndexByte(authority, '@')+1:]
	if oddPort(hosts) || strings.Contains(path, "@") || strings.Contains(query, "@") && strings.Contains(rest+query, ":") { // what was cut off may hold the rest of a password
		return sh, errors.New("database URL: its host and port cannot be told; in a password / is written %2F, and ? is written %3F, and everywhere after the host @ is written %40")
	}
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		if user, secret, has := strings.Cut(authority[:at], ":"); has {
			var err error
			if password, err = url.PathUnescape(secret); err != nil {
				return sh, errors.New("database URL: its password is not well encoded")
			}
			authority = user + authority[at:]
		}
	}
	var keep []string
	for pair := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(key)
		if err != nil {
			return sh, errors.New("database URL: its parameters are not well encoded")
		}
		switch {
		case !hasQuery, strings.HasPrefix(plain, "pool_"), plain == "default_query_exec_mode": // for pgx alone
		case plain == "password":
			if password, err = url.QueryUnescape(value); err != nil {
				return sh, errors.New("database URL: its password is not well encoded")
			}
		case strings.Contains(strings.ToLower(plain), "password"):
			return sh, fmt.Errorf("database URL: psql takes no %s from its environment: give it to psql in a service file", plain)
		default:
			keep = append(keep, pair)
		}
	}
	clean := scheme + "://" + authority
	if hasPath {
		clean += "/" + path
	}
	if len(keep) > 0 {
		clean += "?" + strings.Join(keep, "&")
	}
	sh.Args = []string{"psql", "-d", clean}
	if password != "" {
		sh.Env = []string{"PGPASSWORD=" + password}
	}
	return sh, nil
}

// oddPort reports whether a list of hosts has a port that is no number.
func oddPort(hosts string) bool {
	for host := range strings.SplitSeq(hosts, ",") {
		i := strings.LastIndexByte(host, ':')
		if i > strings.LastIndexByte(host, ']') && strings.Trim(host[i+1:], "0123456789") != "" {
			return true
		}
	}
	return false
}
