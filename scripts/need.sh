#!/bin/sh
# Makes sure that the named programs can be run: installs what is missing
# (through apt, as root), else says exactly what to install.
set -eu

package_of() {
	case $1 in
	initdb | postgres) echo postgresql ;;
	apache2) echo apache2-bin ;;
	nginx) echo nginx-light ;;
	fusermount3) echo fuse3 ;;
	gcc) echo build-essential ;;
	*) echo "$1" ;;
	esac
}

have() {
	command -v "$1" >/dev/null 2>&1 && return 0
	for d in /usr/sbin /usr/local/sbin /usr/lib/postgresql/*/bin; do
		[ -x "$d/$1" ] && return 0
	done
	return 1
}

missing=
for p in "$@"; do
	have "$p" || missing="$missing $(package_of "$p")"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
	echo "installing:$missing"
	# Packages must not start servers of their own on this machine.
	policy=
	if [ ! -e /usr/sbin/policy-rc.d ]; then
		printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
		chmod +x /usr/sbin/policy-rc.d
		policy=/usr/sbin/policy-rc.d
	fi
	trap '[ -z "$policy" ] || rm -f "$policy"' EXIT
	apt-get update -qq
	# shellcheck disable=SC2086
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
	exit 0
fi
cat >&2 <<TXT
Missing on this machine:$missing
Install them and try again, for example:
    sudo apt-get install --no-install-recommends$missing
(on other systems the packages have the same or similar names)
TXT
exit 1
