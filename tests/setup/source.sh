# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
# Sourced, after apt.sh. The source of a kernel, unpacked once for all that is
# built from it.

mkdir -p "$CACHE/download"

# fetch WHAT NAME VERSION: have $file in $CACHE/download. has_WHAT tells whether the archive's
# index has it; get_WHAT fetches it to the current directory.
fetch() {
	[ ! -e "$file" ] || return 0
	# one at a time: so what is in the directory is of one that was interrupted
	exec 6>"$CACHE/download/lock"
	flock 6
	if [ ! -e "$file" ]; then
		say "fetching $*"
		# an index may be a day old
		try_to_fetch "$@" || {
			read_index || die "cannot fetch $*, for the reason above: is there a network?"
			"has_$1" "$2" "$3" || not_available "$*"
			try_to_fetch "$@" ||
				die "cannot fetch $*, for the reason above, though the archive's index has it"
		}
	fi
	exec 6>&-
}

# A file gets its name when it is complete.
try_to_fetch() {
	new=$CACHE/download/new
	rm -rf "$new"
	"has_$1" "$2" "$3" || return
	mkdir "$new"
	fetched=0
	{ (cd "$new" && "get_$1" "$2" "$3") && mv "$new/${file##*/}" "$file"; } || fetched=1
	rm -rf "$new"
	return "$fetched"
}

has_package() {
	# shellcheck disable=SC2086
	apt-cache ${apt_opts:?} show "$1=$2" >/dev/null 2>&1
}

get_package() {
	# shellcheck disable=SC2086
	apt-get $apt_opts -qq download "$1=$2"
}

# fetch_package NAME VERSION: download it to $CACHE/download; sets $deb
fetch_package() {
	deb=$CACHE/download/$1_$2_amd64.deb
	[ "${1#linux-source}" = "$1" ] || deb=$CACHE/download/$1_$2_all.deb
	file=$deb
	fetch package "$1" "$2"
}

# original_source NAME VERSION: its address, name, size, and hash
original_source() {
	# shellcheck disable=SC2086
	apt-get $apt_opts -qq source --print-uris "$1=$2" 2>/dev/null |
		awk -v name="${file##*/}" -v quote="'" '$2 == name { gsub(quote, "", $1); print }'
}

has_source() {
	[ -n "$(original_source "$1" "$2")" ]
}

get_source() {
	original_source "$1" "$2" | {
		read -r uri name _ hash
		# shellcheck disable=SC2086
		/usr/lib/apt/apt-helper $apt_opts -qq download-file "$uri" "$name" "$hash"
	}
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
			unpack_source || not_unpacked "$archive"
			touch "$source/.unpacked"
		fi
	fi
	exec 9>&-
}

# A package linux-source-* has Debian's patches, but only the newest versions
# have one. Of the others the archive has the original source, without the
# rest of the source package. Sets $archive.
download_source() {
	package=linux-source-${upstream%.*}
	if has_package "$package" "$1"; then
		fetch_package "$package" "$1"
		archive=$deb
		return
	fi
	archive=$CACHE/download/linux_$upstream.orig.tar.xz
	file=$archive
	fetch source linux "$1"
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

# not_unpacked FILE: end. It does not stay if it is the reason, as when the download was
# interrupted that an older version of this made.
not_unpacked() {
	case $1 in
	*.deb) dpkg-deb --fsys-tarfile "$1" ;;
	*) xz -dc "$1" ;;
	esac >/dev/null 2>&1 || {
		rm -f "$1"
		die "$1 was not complete, and is removed: the next time it is fetched anew"
	}
	die "$1 cannot be unpacked, for the reason above"
}
