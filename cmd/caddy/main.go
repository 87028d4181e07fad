// Command caddy is Caddy with its standard modules and this one. It is what
// xcaddy builds, for where xcaddy is not at hand.
package main

import (
	_ "time/tzdata"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/caddy-mirrorbrain/caddy-mirrorbrain"
)

func main() {
	caddycmd.Main()
}
