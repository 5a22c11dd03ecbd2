#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# dkms builds and installs the module for the target, skips other kernels, and
# takes it away again; all in directories of its own.
#
# usage: dkms.sh KERNEL_DIRECTORY WORK_DIRECTORY
set -eu
kernel=$1 work=$2
top=$(cd "$(dirname "$0")/.." && pwd)
release=$(cat "$kernel/build/include/config/kernel.release")
version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' "$top/dkms.conf")
module=scx_bypass_lb/$version

rm -rf "$work"
mkdir -p "$work/tree" "$work/modules/$release" "$work/src/scx_bypass_lb-$version"
(cd "$top" && cp -r dkms.conf Kbuild Makefile LICENSE src include \
	"$work/src/scx_bypass_lb-$version")

run_dkms() {
	verb=$1
	shift
	dkms "$verb" --dkmstree "$work/tree" --sourcetree "$work/src" \
		--installtree "$work/modules" "$@" >"$work/$verb.log" 2>&1
}

fail() {
	echo "FAILED: $1"
	for log in "$work"/*.log; do
		echo "$log:"
		tail -n 20 "$log"
	done
	exit 1
}

run_dkms add "$module" || fail "dkms add"
run_dkms build "$module" -k "$release" --kernelsourcedir "$kernel/build" || fail "dkms build"
run_dkms install "$module" -k "$release" --kernelsourcedir "$kernel/build" || fail "dkms install"
echo "dkms add, build, install: done"

ko=$(find "$work/modules/$release" -name 'scx_bypass_lb.ko*')
[ -n "$ko" ] || fail "nothing was installed"
modinfo "$ko" > "$work/modinfo.log"
for expected in "^version: *$version\$" '^license: *GPL$' '^livepatch: *Y$' \
	"^vermagic: *$release " '^parm: *bypass_lb_intv_us:' '^parm: *slice_bypass_us:'; do
	grep -q "$expected" "$work/modinfo.log" || fail "modinfo has no line '$expected'"
	echo "modinfo: $(grep "$expected" "$work/modinfo.log")"
done

# Kernels that are not for this module: skipped with 77, not an error of apt's.
for other in 6.1.0-30-amd64 6.11.10-amd64 6.19.14+deb13-amd64 7.3.4+deb13-amd64 6.120.0-amd64; do
	status=0
	run_dkms build "$module" -k "$other" --kernelsourcedir "$kernel/build" || status=$?
	[ "$status" = 77 ] || fail "dkms build for $other: status $status, not 77"
	echo "$other: skipped"
done

run_dkms remove "$module" --all || fail "dkms remove"
[ -z "$(find "$work/modules" -name 'scx_bypass_lb.ko*')" ] || fail "dkms remove leaves the module"
echo "dkms remove: done"
