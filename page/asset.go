package page

import (
	"crypto/sha256"
	_ "embed" // for the script
	"encoding/hex"
	"strings"
)

// Script names the script that pages use, where they are served and where they
// are written to files.
const Script = "mirrorbrain.js"

//go:embed mirrorbrain.js
var script []byte

// assets are what pages load from where they themselves are.
var assets = map[string]asset{Script: newAsset(script, "text/javascript; charset=utf-8")}

type asset struct {
	body    []byte
	kind    string // media type
	version string // changes with the body
}

func newAsset(body []byte, kind string) asset {
	sum := sha256.Sum256(body)
	return asset{body, kind, hex.EncodeToString(sum[:6])}
}

// assetPrefix begins the queries that ask for assets.
const assetPrefix = "asset="

// AssetQuery is the query that asks for an asset at any URL where pages are
// served; it changes with the asset, so what it gets may be kept for ever.
func AssetQuery(name string) string { return assetPrefix + name + "&v=" + assets[name].version }

// Asset gives the asset that a query asks for. current: it is the version asked
// for, and may be kept for ever. ok is false for any other query.
func Asset(query string) (body []byte, kind string, current, ok bool) {
	rest, ok := strings.CutPrefix(query, assetPrefix)
	if !ok {
		return nil, "", false, false
	}
	name, version, _ := strings.Cut(rest, "&v=")
	a, ok := assets[name]
	return a.body, a.kind, ok && version == a.version, ok
}
