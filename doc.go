// Package mirrorbrain is the Caddy module that sends downloads to mirrors which
// have them. It is glue: it turns requests into questions for the packages
// catalog, geoip, asn and redirector, and their answers into responses. It is
// the only package that imports Caddy.
//
// # Life cycle
//
// The app ([App]) holds what is known: database, catalog, GeoIP, AS table. Each
// of these lives in a usage pool keyed by what shapes it, so a reload of the
// configuration keeps a warm catalog. The handler ([Handler]) holds how a site
// behaves.
//
//	Provision  resolves placeholders, opens mmdb files, joins the pools; no network
//	Start      launches the loops of the pooled objects, unless they run already
//	ServeHTTP  works before Start, without a catalog, and with the database away
//	Stop       ends the loops of this configuration
//	Cleanup    leaves the pools; an object that nobody uses any more closes when
//	           the last request has left it
//
// # Placeholders
//
// After the handler, these are set (and are fields of the access log, in the
// object "mirrorbrain"); they are empty where there is nothing to say:
//
//	{http.mirrorbrain.result}          redirect, local, document, exempt or error
//	{http.mirrorbrain.reason}          why, in one word
//	{http.mirrorbrain.mirror}          name of the mirror redirected to
//	{http.mirrorbrain.realm}           how close it is: prefix, as, country,
//	                                   other_country, region, world or fallback
//	{http.mirrorbrain.country}         of the client, two lower-case letters
//	{http.mirrorbrain.continent}       of the client, two lower-case letters
//	{http.mirrorbrain.asn}             AS number of the client
//	{http.mirrorbrain.prefix}          announced prefix the client is in
//	{http.mirrorbrain.representation}  what was answered about the file
package mirrorbrain
