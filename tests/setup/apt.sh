# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
# Sourced. Debian's archive through this machine's own apt configuration: the
# mirror and the keys are the machine's, the lists and the state are private,
# in $CACHE/apt, so that nothing of the machine's own is changed.

say() { printf '%s %s\n' "$(date +%H:%M:%S)" "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }
# failed WHAT LOG
failed() {
	tail -n 20 "$2" >&2
	die "$1 failed, for the reason above; all of it is in $2"
}
# the archive has not what is needed; tests/lab/kernels.py knows the status
not_available() { printf 'not available: %s\n' "$*" >&2; exit 3; }

CACHE=${CACHE:-$HOME/.cache/scx_bypass_lb}
case $CACHE in
/*) ;;
*) CACHE=$PWD/$CACHE ;;
esac
# What splits a path, or has another meaning, for the shell (options of apt are words here), in
# a makefile, in a mount option, or in an option of QEMU.
case $CACHE in
*[[:space:][:cntrl:]]* | *[\"\'\`\$\&\|\;\<\>\(\)\{\}\*\?\!\#%=:,\\]* | *\[* | *\]*)
	die "CACHE is '$CACHE', and apt, make and QEMU cannot work in a directory whose path has" \
		"blanks or any of \"'\`\$&|;<>(){}[]*?!#%=:,\\ in it: say CACHE= with another one" ;;
esac
mkdir -p "$CACHE"
# bpftool is not where users who are not root look for programs
PATH=$PATH:/usr/sbin:/sbin

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

debian_codename() {
	# shellcheck disable=SC1091
	(. /etc/os-release && echo "${VERSION_CODENAME:-}")
}

# mirror_of SUITE: the address from which this machine has it, or nothing. By what an
# update would fetch, which there may not have been yet; by what was fetched where a
# source says "stable" or another name.
mirror_of() {
	{
		apt-get update --print-uris | sed -n "s|^'\(.*/\)dists/$1/InRelease'.*|\1|p"
		# shellcheck disable=SC2016
		apt-get indextargets --format '$(REPO_URI) $(CODENAME)' |
			awk -v suite="$1" '$2 == suite { print $1 }'
	} 2>/dev/null | grep -v '^cdrom:' | head -n 1
}

# debian_source SUITE [deb-src]: a line for apt
debian_source() {
	mirror=$(mirror_of "$(debian_codename)")
	[ -n "$mirror" ] ||
		die "the apt configuration of this machine has no mirror of its Debian release"
	echo "${2:-deb} [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $1 main"
}

# private_apt SUITE...: make apt-get and apt-cache see just these suites, and not what is
# installed here. What they have is read once a day.
private_apt() {
	suites=$*
	apt_dir=$CACHE/apt/$(echo "$*" | tr ' ' '_')
	apt_opts="-o Dir::Etc::sourcelist=$apt_dir/sources.list -o Dir::Etc::sourceparts=-"
	apt_opts="$apt_opts -o Dir::State::lists=$apt_dir/lists -o Dir::Cache=$apt_dir/cache"
	apt_opts="$apt_opts -o Dir::State::status=/dev/null"
	apt_opts="$apt_opts -o APT::Sandbox::User= -o Acquire::Retries=3 -o Acquire::Languages=none"
	mkdir -p "$apt_dir/lists/partial" "$apt_dir/cache/archives/partial"

	if ! has_index || [ -z "$(find "$apt_dir/stamp" -mtime -1 2>/dev/null)" ]; then
		read_index || {
			has_index || die "cannot fetch the index of $suites, for the reason above: is" \
				"there a network?"
			say "cannot fetch the index of $suites: the last one that was read is used"
		}
	fi
}

# has_index: was one read before?
has_index() {
	ls "$apt_dir"/lists/*_Packages* "$apt_dir"/lists/*_Sources* >/dev/null 2>&1
}

# read_index: read anew what the suites have. Fails if any of it cannot be fetched.
read_index() {
	# of two commands at once the second one waits here
	exec 7>"$apt_dir/lock"
	flock 7
	for suite in $suites; do
		debian_source "$suite"
		debian_source "$suite" deb-src
	done > "$apt_dir/sources.list"
	# without this option it does not fail if there is no network
	status=0
	# shellcheck disable=SC2086
	apt-get $apt_opts -qq -o APT::Update::Error-Mode=any update || status=$?
	exec 7>&-
	[ "$status" = 0 ] && touch "$apt_dir/stamp"
}
