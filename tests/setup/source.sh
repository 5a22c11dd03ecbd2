# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
# Sourced, after apt.sh. The source of a kernel, unpacked once for all that is
# built from it.

mkdir -p "$CACHE/download"

# fetch_package NAME VERSION: download it to $CACHE/download; sets $deb
fetch_package() {
	deb=$CACHE/download/$1_$2_amd64.deb
	[ "${1#linux-source}" = "$1" ] || deb=$CACHE/download/$1_$2_all.deb
	[ -e "$deb" ] && return
	say "fetching $1"
	# shellcheck disable=SC2086
	(cd "$CACHE/download" && apt-get ${apt_opts:?} -qq download "$1=$2") ||
		not_available "$1 $2"
}

has_package() {
	# shellcheck disable=SC2086
	apt-cache $apt_opts show "$1=$2" >/dev/null 2>&1
}

# fetch_source VERSION: unpack the source of that version of the package
# linux; sets $upstream and $source
fetch_source() {
	upstream=${1%%-*}
	source=$CACHE/source/$upstream
	mkdir -p "$CACHE/source"

	# two kernels of one source may be prepared at the same time
	exec 9>"$source.lock"
	flock 9
	if [ ! -e "$source/.unpacked" ]; then
		download_source "$1"
		# without xz this is for the next time
		if command -v xz >/dev/null; then
			rm -rf "$source"
			mkdir -p "$source"
			say "unpacking the source of $upstream"
			unpack_source
			touch "$source/.unpacked"
		fi
	fi
	exec 9>&-
}

# A package linux-source-* has Debian's patches, but only the newest versions
# have one. Of the others the archive has the original source, without the
# rest of the source package: apt-get fails on that, what counts is what came.
# Sets $archive.
download_source() {
	package=linux-source-${upstream%.*}
	if has_package "$package" "$1"; then
		fetch_package "$package" "$1"
		archive=$deb
		return
	fi
	archive=$CACHE/download/linux_$upstream.orig.tar.xz
	[ ! -e "$archive" ] || return 0
	say "fetching the source of $upstream"
	# shellcheck disable=SC2086
	(cd "$CACHE/download" &&
		apt-get $apt_opts -qq source --download-only "linux=$1") \
		>"$source.log" 2>&1 || :
	[ -e "$archive" ] || { cat "$source.log" >&2; not_available "source of linux $1"; }
}

unpack_source() {
	case $archive in
	*.deb)
		dpkg-deb --fsys-tarfile "$archive" | tar xO "./usr/src/$package.tar.xz" |
			tar xJ -C "$source" --strip-components=1
		;;
	*)
		tar xf "$archive" -C "$source" --strip-components=1
		;;
	esac
}
