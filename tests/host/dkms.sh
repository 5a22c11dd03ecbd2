#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# dkms builds and installs the module for the target, a second time and over an older
# version too, skips every kernel that it is not for, and takes it away again. In a mount namespace of its own, so that the machine's
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

cd "$(dirname "$0")/../.."
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

# install TREE VERSION: then this version is installed, and no other one
install() {
	make -C "$1" dkms-install KERNEL="$release" >"$work/log" 2>&1 ||
		fail "make dkms-install of $2"
	[ "$(dkms status scx_bypass_lb)" = "scx_bypass_lb/$2, $release, x86_64: installed" ] ||
		fail "after installing $2 dkms says '$(dkms status scx_bypass_lb)'"
	[ "$(ls /usr/src)" = "scx_bypass_lb-$2" ] || fail "/usr/src has $(ls /usr/src)"
	! grep -q 'LLVM=1' "$work/log" || fail "LLVM=1 for a kernel that gcc has built"
	echo "dkms add, build, install of $2: done"
}

mkdir "$work/older"
cp -r Makefile Kbuild dkms.conf LICENSE src include "$work/older"
sed -i 's/^PACKAGE_VERSION=.*/PACKAGE_VERSION="0.0.9"/' "$work/older/dkms.conf"
install "$work/older" 0.0.9
install . "$version"
# what an older version had is not to stay
touch "/usr/src/scx_bypass_lb-$version/src/gone.c"
install . "$version"
[ ! -e "/usr/src/scx_bypass_lb-$version/src/gone.c" ] || fail "an old file has stayed"

make dkms-install DESTDIR="$work/destdir" >"$work/log" 2>&1 || fail "make dkms-install DESTDIR="
diff -r "$work/destdir/usr/src/scx_bypass_lb-$version" "/usr/src/scx_bypass_lb-$version" \
	>"$work/log" || fail "DESTDIR has another source"

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
# whatever include/requires.h refuses
mkdir "$work/without"
sed -n 's/^#ifndef \(CONFIG_.*\)/\1/p' include/requires.h | grep -v '^CONFIG_X86_64$' > "$work/options"
[ "$(wc -l < "$work/options")" -ge 6 ] || fail "include/requires.h asks for nothing"
while read -r option; do
	grep -v "^$option=" "$kernel/build/.config" > "$work/without/.config"
	skipped "6.18.99-without-$option" "$work/without"
done < "$work/options"
status=0
dkms build "$module" -k "$release" -a i686 --kernelsourcedir "$kernel/build" >"$work/log" 2>&1 ||
	status=$?
[ "$status" = 77 ] || fail "dkms build for i686: status $status, not 77"
echo "i686: skipped"

# a kernel that clang has built
PATH=/usr/lib/llvm-19/bin:$PATH dkms build "$module" -k "$release-clang" \
	--kernelsourcedir "$kernel/build-clang" >"$work/log" 2>&1 || fail "dkms build with clang"
dir=/var/lib/dkms/$module/$release-clang/x86_64
# one version of dkms prints the command, another one has it in its log
grep -q 'LLVM=1' "$work/log" "$dir/log/make.log" || fail "dkms does not build with LLVM=1"
readelf -p .comment "$(find "$dir/module" -name 'scx_bypass_lb.ko*')" 2>/dev/null |
	grep -q clang || fail "the module is not built by clang"
echo "$release-clang: built by clang"

make dkms-remove >"$work/log" 2>&1 || fail "make dkms-remove"
[ -z "$(find "/lib/modules/$release/" -name 'scx_bypass_lb.ko*')" ] ||
	fail "make dkms-remove leaves the module"
[ ! -e "/usr/src/scx_bypass_lb-$version" ] || fail "make dkms-remove leaves the source"
echo "dkms remove: done"
