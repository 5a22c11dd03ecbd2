#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Fetch a stock Debian kernel and prepare a tree to build modules for it.
#
# usage: stock.sh RELEASE VERSION SUITE [clang|image|fetch]
#   stock.sh 6.18.15+deb13-amd64 6.18.15-1~bpo13+1 trixie-backports
#
# Makes $CACHE/kernels/RELEASE with
#   vmlinuz     the package's own image, to boot
#   vmlinux.h   its types, for BPF programs, if it has BTF
#   source      its source
#   build       a tree to build modules with, configured as the image was
#   build-clang the same, for clang, if wanted
#   config      the image's configuration
#   exports     what the image exports, in the form of Module.symvers
# or, with "image", just vmlinuz. What is there already is kept. "fetch" only fetches, and
# unpacks the source if that is possible, while packages are being installed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/apt.sh"
. "$here/source.sh"

release=$1 version=$2 suite=$3 what=${4:-}
dir=$CACHE/kernels/$release
# Module.symvers comes last to a tree
if [ -e "$dir/ready" ]; then
	[ "$what" = clang ] && [ ! -e "$dir/build-clang/Module.symvers" ] || exit 0
fi

private_apt "$suite"
[ "$what" = image ] || fetch_source "$version"

# newer releases have the image and its configuration in two packages
if has_package "linux-binary-$release" "$version"; then
	packages="linux-binary-$release linux-base-$release"
else
	packages=linux-image-$release
fi
if [ "$what" = fetch ]; then
	for package in $packages; do
		fetch_package "$package" "$version"
	done
	exit 0
fi

# take PACKAGE NAME...: unpack the files of these names, which are its first ones
take() {
	package=$1
	shift
	fetch_package "$package" "$version"
	say "unpacking $package"
	mkdir -p "$dir/image"
	# tar stops when it has them, and what feeds it then ends with an error, which does not
	# count here; tar's own does
	dpkg-deb --fsys-tarfile "$deb" 2>/dev/null |
		tar x -C "$dir/image" --wildcards --occurrence=1 "$@" ||
		not_unpacked "$deb"
	for name; do
		[ -n "$(find "$dir/image" -type f -path "$dir/image/$name")" ] ||
			die "$deb has no $name"
	done
}

# prepare DIRECTORY [make variables]: olddefconfig fits the image's
# configuration to the compiler
prepare() {
	out=$dir/$1
	shift
	say "preparing a build tree of $release ($(basename "$out"))"
	rm -rf "$out"
	mkdir -p "$out"
	cp "$dir/config" "$out/.config"
	{
		make -s -C "$source" O="$out" LOCALVERSION="${release#"$upstream"}" "$@" \
			olddefconfig
		make -s -C "$source" -j"$(nproc)" O="$out" \
			LOCALVERSION="${release#"$upstream"}" "$@" modules_prepare
	} >>"$dir/prepare.log" 2>&1 ||
		failed "preparing the build tree" "$dir/prepare.log"
	made=$(cat "$out/include/config/kernel.release")
	[ "$made" = "$release" ] || die "the build tree calls itself $made, not $release"
	cp "$dir/exports" "$out/Module.symvers"
}

if [ ! -e "$dir/ready" ] || [ ! -e "$dir/config" ]; then
	rm -rf "$dir"
	mkdir -p "$dir"
	case $packages in
	*linux-base-*)
		take "${packages% *}" '*/vmlinuz*'
		[ "$what" = image ] || take "${packages#* }" '*/config*'
		;;
	*) take "$packages" '*/vmlinuz*' '*/config*' ;;
	esac
	find "$dir/image" -name 'vmlinuz*' -exec mv {} "$dir/vmlinuz" \;
	find "$dir/image" -name 'config*' -exec mv {} "$dir/config" \;
	rm -rf "$dir/image"
	if [ "$what" = image ]; then
		touch "$dir/ready"
		exit 0
	fi

	ln -s "$source" "$dir/source"
	"$source/scripts/extract-vmlinux" "$dir/vmlinuz" > "$dir/vmlinux" 2>>"$dir/prepare.log"
	# The source has no Module.symvers. The names of what the image exports make a
	# missing symbol an error again, and with MODVERSIONS the kernel looks at their
	# checksums.
	python3 "$here/exports.py" "$dir/vmlinux" > "$dir/exports"
	prepare build
	if grep -q '^CONFIG_DEBUG_INFO_BTF=y' "$dir/build/.config"; then
		bpftool btf dump file "$dir/vmlinux" format c > "$dir/vmlinux.h"
	fi
	rm "$dir/vmlinux"
	touch "$dir/ready"
fi
[ "$what" != clang ] || prepare build-clang LLVM=-19
