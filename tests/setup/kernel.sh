#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Fetch a stock Debian kernel and prepare a tree to build modules for it.
#
# usage: kernel.sh RELEASE VERSION SUITE
#   kernel.sh 6.18.15+deb13-amd64 6.18.15-1~bpo13+1 trixie-backports
#
# Makes $CACHE/kernels/RELEASE with
#   vmlinuz     the package's own image, to boot
#   vmlinux     the same, unpacked
#   vmlinux.h   its types, for BPF programs
#   build       a tree to build modules with, configured as the image was
#   build-clang the same, for clang
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/apt.sh"

release=$1 version=$2 suite=$3
upstream=${version%%-*}
dir=$CACHE/kernels/$release
[ -e "$dir/ready" ] && exit 0
mkdir -p "$dir" "$CACHE/download"

private_apt "$suite"
cd "$CACHE/download"

deb=linux-image-${release}_${version}_amd64.deb
if [ ! -e "$deb" ]; then
	say "fetching linux-image-$release"
	# shellcheck disable=SC2086
	apt-get $apt_opts -qq download "linux-image-$release=$version"
fi
tar=linux_$upstream.orig.tar.xz
if [ ! -e "$tar" ]; then
	say "fetching the source of $upstream"
	# Of a superseded version only this part is still in the archive, and
	# apt-get fails on the others; whether it came is what counts.
	# shellcheck disable=SC2086
	apt-get $apt_opts -qq source --download-only "linux=$version" >source.log 2>&1 || :
	[ -e "$tar" ] || { cat source.log >&2; die "no source of linux $version"; }
fi

say "unpacking $release"
rm -rf "$dir/image" "$dir/source"
mkdir -p "$dir/source"
dpkg-deb -x "$deb" "$dir/image"
mv "$dir/image/boot/vmlinuz-$release" "$dir/vmlinuz"
tar xf "$tar" -C "$dir/source" --strip-components=1
cd "$dir/source"
scripts/extract-vmlinux "$dir/vmlinuz" > "$dir/vmlinux" 2>"$dir/prepare.log"

# prepare DIRECTORY [make variables]: olddefconfig fits the image's
# configuration to the compiler
prepare() {
	out=$dir/$1
	shift
	say "preparing a build tree of $release ($(basename "$out"))"
	rm -rf "$out"
	mkdir -p "$out"
	cp "$dir/image/boot/config-$release" "$out/.config"
	{
		make -s O="$out" LOCALVERSION="${release#"$upstream"}" "$@" olddefconfig
		make -s -j"$(nproc)" O="$out" LOCALVERSION="${release#"$upstream"}" "$@" \
			modules_prepare
	} >>"$dir/prepare.log" 2>&1 ||
		die "preparing the build tree failed, see $dir/prepare.log"
	made=$(cat "$out/include/config/kernel.release")
	[ "$made" = "$release" ] || die "the build tree calls itself $made, not $release"
	cp "$dir/exports" "$out/Module.symvers"
}

# The source package has no Module.symvers. The names of what the image
# exports make a missing symbol an error again.
python3 "$here/exports.py" "$dir/vmlinux" > "$dir/exports"
prepare build
prepare build-clang LLVM=-16
bpftool btf dump file "$dir/vmlinux" format c > "$dir/vmlinux.h"

rm -rf "$dir/image"
touch "$dir/ready"
