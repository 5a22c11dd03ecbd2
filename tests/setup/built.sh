#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Build a kernel from the distribution's source, small enough for a few minutes.
#
# usage: built.sh RELEASE VERSION SUITE CONFIG...
#   built.sh 6.12.95-scx 6.12.95-1~bpo12+1 bookworm-backports base livepatch
#
# The configurations are those of tests/configs, on top of allnoconfig, with
# variables for make in lines "#make VARIABLE=value". Makes
# the same directory as stock.sh. An interrupted build goes on where it was.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/apt.sh"
. "$here/source.sh"

release=$1 version=$2 suite=$3
shift 3
dir=$CACHE/kernels/$release

fragments=
for name; do
	fragments="$fragments $here/../configs/$name.config"
done
# shellcheck disable=SC2086
wanted=$(cat $fragments)
[ -e "$dir/ready" ] && [ "$(cat "$dir/config" 2>/dev/null)" = "$wanted" ] && exit 0

private_apt "$suite"
fetch_source "$version"
mkdir -p "$dir"
rm -f "$dir/ready"
printf '%s\n' "$wanted" > "$dir/config"

# configure DIRECTORY [make variables]
configure() {
	out=$dir/$1
	shift
	mkdir -p "$out"
	make -s -C "$source" O="$out" "$@" KCONFIG_ALLCONFIG="$dir/config" allnoconfig \
		>>"$dir/prepare.log" 2>&1 || failed "configuring" "$dir/prepare.log"
	sed '/^#/d; /^$/d' "$dir/config" | while read -r option; do
		case $option in
		*=n) ! grep -q "^${option%=n}=" "$out/.config" ;;
		*) grep -qx "$option" "$out/.config" ;;
		esac || echo "$option"
	done > "$dir/refused"
	[ ! -s "$dir/refused" ] ||
		die "$release cannot be configured so: $(tr '\n' ' ' < "$dir/refused")"
}

: > "$dir/prepare.log"
# words without blanks, from lines "#make VARIABLE=value"
make_variables="LOCALVERSION=${release#"$upstream"} $(sed -n 's/^#make //p' "$dir/config")"
# shellcheck disable=SC2086
configure build $make_variables
say "building $release (some minutes)"
# shellcheck disable=SC2086
make -s -C "$source" O="$dir/build" $make_variables -j"$(nproc)" bzImage vmlinux modules \
	>>"$dir/prepare.log" 2>&1 || failed "the build" "$dir/prepare.log"
made=$(cat "$dir/build/include/config/kernel.release")
[ "$made" = "$release" ] || die "the kernel calls itself $made, not $release"
cp "$dir/build/arch/x86/boot/bzImage" "$dir/vmlinuz"
bpftool btf dump file "$dir/build/vmlinux" format c > "$dir/vmlinux.h"
ln -sfn "$source" "$dir/source"
touch "$dir/ready"
