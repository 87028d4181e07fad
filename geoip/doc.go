// Package geoip finds the place and the autonomous system of an address in
// mmdb files: City and Country databases for places, AS databases for numbers,
// as MaxMind, DB-IP and IPinfo lay them out.
//
// A database is held in memory as a whole and looked at without locks or
// allocation. Its file is watched: a new version is in use a moment after it
// was written, and a broken one leaves the old one in use.
package geoip
