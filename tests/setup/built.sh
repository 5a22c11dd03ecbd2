#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Build a kernel from the distribution's source, small enough for a few minutes.
#
# usage: built.sh RELEASE VERSION SUITE CONFIG... [patch:PATCH...]
#   built.sh 6.12.117-scx 6.12.117-1 trixie base livepatch
#   built.sh 6.18.15-inlined 6.18.15-1~bpo13+1 trixie-backports base cachyos patch:inlined
#
# The configurations are those of tests/configs, on top of allnoconfig: of two lines
# for one option the last one counts. They have variables for make in lines
# "#make VARIABLE=value". The patches are those of tests/patches. Makes the same
# directory as stock.sh. An interrupted build goes on where it was.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/apt.sh"
. "$here/source.sh"
. "$here/patched.sh"
. "$here/pahole.sh"

release=$1 version=$2 suite=$3
shift 3
dir=$CACHE/kernels/$release

fragments='' changes='' patches=''
for name; do
	case $name in
	patch:*)
		changes="$changes ${name#patch:}"
		patches="$patches $here/../patches/${name#patch:}.patch"
		;;
	*)
		fragments="$fragments $here/../configs/$name.config"
		;;
	esac
done
# shellcheck disable=SC2086
wanted=$(awk -F= '
	/^#make / { print; next }
	/^CONFIG_/ { if (!($1 in value)) name[++nr] = $1; value[$1] = $2 }
	END { for (i = 1; i <= nr; i++) print name[i] "=" value[name[i]] }' $fragments)
pahole=pahole
case $wanted in
"#make LLVM="*)
	pahole=$(new_pahole)
	wanted="#make PAHOLE=$pahole
$wanted"
	;;
esac
# shellcheck disable=SC2086
changed=$(cat $patches </dev/null)
if [ "$(cat "$dir/changed" 2>/dev/null)" != "$changed" ]; then
	# a file that is no longer changed would look as if it had been built already
	rm -rf "$dir"
elif [ -e "$dir/ready" ] && [ "$(cat "$dir/config" 2>/dev/null)" = "$wanted" ]; then
	exit 0
fi

private_apt "$suite"
fetch_source "$version"
# shellcheck disable=SC2086
[ -z "$changes" ] || patch_source $changes
mkdir -p "$dir"
printf '%s\n' "$changed" > "$dir/changed"
# make does not see by which pahole these were made
rm -f "$dir/ready" "$dir/build/vmlinux" "$dir/build/vmlinux.unstripped"
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
# Its modules then get no BTF: this machine's pahole does not know all options of the other one.
[ "$pahole" = pahole ] || rm "$dir/build/vmlinux"
ln -sfn "$source" "$dir/source"
touch "$dir/ready"
