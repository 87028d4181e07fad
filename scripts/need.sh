#!/bin/sh
# Makes sure that the named programs can be run: installs what is missing
# (through apt, as root), else says exactly what to install. A name that begins
# with python3- is a module of the system's Python.
set -eu

package_of() {
	case $1 in
	initdb | postgres) echo postgresql ;;
	apache2) echo apache2-bin ;;
	nginx) echo nginx-light ;;
	ngx_http_js_module) echo libnginx-mod-http-js ;;
	fusermount3) echo fuse3 ;;
	gcc) echo build-essential ;;
	aria2c) echo aria2 ;;
	createrepo_c) echo createrepo-c ;;
	rpmbuild) echo rpm ;;
	apt-ftparchive) echo apt-utils ;;
	dpkg-deb) echo dpkg ;;
	xmllint) echo libxml2-utils ;;
	transmission-show) echo transmission-cli ;;
	sshd) echo openssh-server ;;
	ssh | ssh-keygen) echo openssh-client ;;
	psql) echo postgresql-client ;;
	java) echo default-jre-headless ;;
	*) echo "$1" ;;
	esac
}

have() {
	case $1 in
	python3-*)
		/usr/bin/python3 -c "import ${1#python3-}" 2>/dev/null
		return
		;;
	ngx_*)
		[ -e "/usr/lib/nginx/modules/$1.so" ]
		return
		;;
	esac
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
