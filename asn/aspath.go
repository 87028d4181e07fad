package asn

import (
	"bytes"
	"strconv"
)

// pathOrigin finds who announced a route with a path as routers and bgpdump
// print it: "3356 1299 64500", with sets "{1,2}", and with "(1 2)" and "[1,2]"
// for what a confederation (RFC 5065) has put in, which never counts. The
// origin is the last AS; of a set, which an aggregator made of several origins,
// the first number that can be used, and if none can, the aggregator's own
// before it. ok is false for a path without an AS: the route is the peer's own.
func pathOrigin(path []byte) (asn uint32, ok bool, err error) {
	var best originChoice
	for {
		path = bytes.TrimRight(path, " \t")
		if len(path) == 0 {
			return best.asn, best.any, nil
		}
		last := path[len(path)-1]
		switch last {
		case ')', ']', '}':
			start := bytes.LastIndexByte(path, opening(last))
			if start < 0 {
				return 0, false, badLine("%q is no AS path", clip(path))
			}
			if last == '}' {
				if err := best.takeSet(path[start+1 : len(path)-1]); err != nil {
					return 0, false, err
				}
				if best.kind == public {
					return best.asn, true, nil
				}
			}
			path = path[:start]
			continue
		}
		n, err := pathNumber(path[bytes.LastIndexAny(path, " \t)]}")+1:])
		if err != nil {
			return 0, false, err
		}
		best.take(n)
		return best.asn, true, nil
	}
}

func opening(closing byte) byte {
	switch closing {
	case ')':
		return '('
	case ']':
		return '['
	}
	return '{'
}

// originChoice keeps the first of the most useful kind, as choose does.
type originChoice struct {
	asn  uint32
	kind number
	any  bool
}

func (o *originChoice) take(asn uint32) {
	if k := kindOf(asn); !o.any || k > o.kind {
		*o = originChoice{asn, k, true}
	}
}

func (o *originChoice) takeSet(set []byte) error {
	for member := range bytes.FieldsFuncSeq(set, func(r rune) bool { return r == ',' || r == ' ' }) {
		n, err := pathNumber(member)
		if err != nil {
			return err
		}
		o.take(n)
	}
	return nil
}

// pathNumber reads an AS number, also as "1.10" (RFC 5396).
func pathNumber(b []byte) (uint32, error) {
	high, low, dotted := bytes.Cut(b, []byte("."))
	if !dotted {
		n, err := number32(b)
		if err != nil {
			return 0, badLine("%q is no AS number", clip(b))
		}
		return n, nil
	}
	h, err1 := strconv.ParseUint(string(high), 10, 16)
	l, err2 := strconv.ParseUint(string(low), 10, 16)
	if err1 != nil || err2 != nil {
		return 0, badLine("%q is no AS number", clip(b))
	}
	return uint32(h<<16 | l), nil
}
