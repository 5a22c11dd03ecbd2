#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# dkms builds and installs the module for the target, skips other kernels, and
# takes it away again. In a mount namespace of its own, so that the machine's
# /lib/modules, /usr/src and /var/lib/dkms are not touched.
#
# usage: dkms.sh KERNEL_DIRECTORY WORK_DIRECTORY
set -eu
kernel=$1 work=$2

# suite.py knows the status and takes the last line as the reason
skip() { echo "skipped: $1"; exit 77; }

if [ "${IN_NAMESPACE:-}" != yes ]; then
	rm -rf "$work"
	mkdir -p "$work"
	[ "$(id -u)" = 0 ] || user=--map-root-user
	unshare --mount ${user:+"$user"} true 2>"$work/unshare.log" ||
		skip "no mount namespace here: $(tail -n 1 "$work/unshare.log")"
	exec env IN_NAMESPACE=yes unshare --mount ${user:+"$user"} sh "$0" "$@"
fi

cd "$(dirname "$0")/.."
release=$(cat "$kernel/build/include/config/kernel.release")
version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
module=scx_bypass_lb/$version

mkdir -p /lib/modules /var/lib/dkms 2>"$work/mkdir.log" ||
	skip "only root can make what is missing: $(tail -n 1 "$work/mkdir.log")"
mkdir -p "$work/modules/$release" "$work/src" "$work/dkms"
mount --bind "$work/modules" /lib/modules
mount --bind "$work/src" /usr/src
mount --bind "$work/dkms" /var/lib/dkms
ln -s "$kernel/build" "/lib/modules/$release/build"
touch "/lib/modules/$release/modules.order" "/lib/modules/$release/modules.builtin"

fail() {
	echo "FAILED: $1"
	tail -n 30 "$work/log"
	exit 1
}

make dkms-install KERNEL="$release" >"$work/log" 2>&1 || fail "make dkms-install"
dkms status "$module" -k "$release" | grep -q ': installed' || fail "dkms status"
echo "dkms add, build, install: done"

ko=$(find "/lib/modules/$release/updates" -name 'scx_bypass_lb.ko*')
[ -n "$ko" ] || fail "nothing was installed"
modinfo "$ko" >"$work/modinfo"
for expected in "^version: *$version\$" '^license: *GPL$' '^livepatch: *Y$' \
	"^vermagic: *$release " '^parm: *bypass_lb_intv_us:' '^parm: *slice_bypass_us:' '^parm: *backend:'; do
	grep "$expected" "$work/modinfo" || fail "modinfo has no line '$expected'"
done

# skipped RELEASE TREE: not for this module, so status 77, not an error of apt's
skipped() {
	status=0
	dkms build "$module" -k "$1" --kernelsourcedir "$2" >"$work/log" 2>&1 || status=$?
	[ "$status" = 77 ] || fail "dkms build for $1: status $status, not 77"
	echo "$1: skipped"
}

for other in 6.1.0-30-amd64 6.11.10-amd64 6.19.14+deb13-amd64 7.3.4+deb13-amd64 6.120.0-amd64; do
	skipped "$other" "$kernel/build"
done
# as Debian configures its 6.12
mkdir "$work/no-sched-ext"
grep -v '^CONFIG_SCHED_CLASS_EXT' "$kernel/build/.config" > "$work/no-sched-ext/.config"
skipped 6.12.95+deb12-amd64 "$work/no-sched-ext"

make dkms-remove >"$work/log" 2>&1 || fail "make dkms-remove"
[ -z "$(find "/lib/modules/$release/" -name 'scx_bypass_lb.ko*')" ] ||
	fail "make dkms-remove leaves the module"
[ ! -e "/usr/src/scx_bypass_lb-$version" ] || fail "make dkms-remove leaves the source"
echo "dkms remove: done"
