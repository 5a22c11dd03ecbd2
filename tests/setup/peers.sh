#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Build the kernel's own selftests of sched_ext and its example schedulers.
#
# usage: peers.sh DIRECTORY     one that stock.sh has made; makes DIRECTORY/peers
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/apt.sh"

dir=$1
out=$dir/peers
[ -e "$out/ready" ] && exit 0

say "building the selftests of $(basename "$dir")"
mkdir -p "$out/work/selftests" "$out/work/examples"
# build DIRECTORY-OF-SOURCE [make variables]
build() {
	where=$1
	shift
	make -j"$(nproc)" -C "$dir/source/tools/$where" "$@" VMLINUX_BTF="$dir/vmlinux.h" \
		VMLINUX_H="$dir/vmlinux.h" CLANG=clang-19 LLVM=-19 \
		LLVM_STRIP=llvm-strip-19 LLVM_OBJCOPY=llvm-objcopy-19 LLVM_CONFIG=llvm-config-19 \
		>>"$out/work/log" 2>&1 || failed "building the selftests" "$out/work/log"
}
build testing/selftests/sched_ext OUTPUT="$out/work/selftests"
build sched_ext O="$out/work/examples"
cp "$out/work/selftests/runner" "$out/work/examples/build/bin/"scx_* "$out"
rm -rf "$out/work"
touch "$out/ready"
