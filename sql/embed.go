// Package mbsql holds the database schema as numbered migrations, one folder
// per database. See README.md in this folder for what the tables mean.
package mbsql

import "embed"

// Migrations holds the folders "postgres" and "sqlite", each with files named
// NNNN_what.up.sql. Both folders have the same numbers and names.
//
//go:embed postgres/*.sql sqlite/*.sql
var Migrations embed.FS
