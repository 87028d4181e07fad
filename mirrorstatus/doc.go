// Package mirrorstatus makes what everybody may know of the mirrors: a page with
// all of them, a page for each with its past, the same as JSON (openapi.json
// describes it), the state file of mirmon, and badges.
//
// It is pure: a [Site] and, for a mirror's page, its [History] go in, and
// documents come out. [Public] makes a [Mirror] of a mirror.Mirror; it alone sees
// private settings, and nothing else has a place for them: contacts, comments,
// credentials, and URLs that hold any. Why a scan failed is told in words of our
// own ([Problem]), since what servers answered may name such URLs.
//
// [Pages] answers requests below one path ([Pages.Document]) and writes the same
// as files for a plain web server ([Pages.Files]). All links are relative.
package mirrorstatus
