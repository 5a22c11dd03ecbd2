#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Fetch a stock Debian kernel and prepare a tree to build modules for it.
#
# usage: stock.sh RELEASE VERSION SUITE [clang|image]
#   stock.sh 6.18.15+deb13-amd64 6.18.15-1~bpo13+1 trixie-backports
#
# Makes $CACHE/kernels/RELEASE with
#   vmlinuz     the package's own image, to boot
#   vmlinux.h   its types, for BPF programs, if it has BTF
#   source      its source
#   build       a tree to build modules with, configured as the image was
#   build-clang the same, for clang, if wanted
# or, with "image", just vmlinuz.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/apt.sh"
. "$here/source.sh"

release=$1 version=$2 suite=$3 what=${4:-}
dir=$CACHE/kernels/$release
[ -e "$dir/ready" ] && exit 0

private_apt "$suite"
[ "$what" = image ] || fetch_source "$version"

# newer releases have the image and its configuration in two packages
packages="linux-binary-$release linux-base-$release"
has_package "${packages%% *}" "$version" || packages=linux-image-$release
[ "$what" != image ] || packages=${packages%% *}

rm -rf "$dir"
mkdir -p "$dir"
for package in $packages; do
	fetch_package "$package" "$version"
	say "unpacking $package"
	dpkg-deb -x "$deb" "$dir/image"
done
mv "$(find "$dir/image/boot" "$dir/image/usr" -name 'vmlinuz*' 2>/dev/null | head -n 1)" "$dir/vmlinuz"
if [ "$what" = image ]; then
	rm -rf "$dir/image"
	touch "$dir/ready"
	exit 0
fi
config=$(find "$dir/image/boot" "$dir/image/usr" -name 'config*' 2>/dev/null | head -n 1)
ln -s "$source" "$dir/source"
"$source/scripts/extract-vmlinux" "$dir/vmlinuz" > "$dir/vmlinux" 2>"$dir/prepare.log"

# prepare DIRECTORY [make variables]: olddefconfig fits the image's
# configuration to the compiler
prepare() {
	out=$dir/$1
	shift
	say "preparing a build tree of $release ($(basename "$out"))"
	mkdir -p "$out"
	cp "$config" "$out/.config"
	{
		make -s -C "$source" O="$out" LOCALVERSION="${release#"$upstream"}" "$@" \
			olddefconfig
		make -s -C "$source" -j"$(nproc)" O="$out" \
			LOCALVERSION="${release#"$upstream"}" "$@" modules_prepare
	} >>"$dir/prepare.log" 2>&1 ||
		die "preparing the build tree failed, see $dir/prepare.log"
	made=$(cat "$out/include/config/kernel.release")
	[ "$made" = "$release" ] || die "the build tree calls itself $made, not $release"
	cp "$dir/exports" "$out/Module.symvers"
}

# The source has no Module.symvers. The names of what the image exports make a
# missing symbol an error again, and with MODVERSIONS the kernel looks at their
# checksums.
python3 "$here/exports.py" "$dir/vmlinux" > "$dir/exports"
prepare build
[ "$what" != clang ] || prepare build-clang LLVM=-19
if grep -q '^CONFIG_DEBUG_INFO_BTF=y' "$dir/build/.config"; then
	bpftool btf dump file "$dir/vmlinux" format c > "$dir/vmlinux.h"
fi

rm -rf "$dir/image" "$dir/vmlinux" "$dir/exports"
touch "$dir/ready"
