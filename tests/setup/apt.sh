# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
# Sourced. Debian's archive through this machine's own apt configuration: the
# mirror and the keys are the machine's, the lists and the state are private,
# in $CACHE/apt, so that nothing of the machine's own is changed.

CACHE=${CACHE:-$HOME/.cache/scx_bypass_lb}
mkdir -p "$CACHE"
# bpftool is not where users who are not root look for programs
PATH=$PATH:/usr/sbin:/sbin

say() { printf '%s %s\n' "$(date +%H:%M:%S)" "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }
# failed WHAT LOG
failed() {
	tail -n 20 "$2" >&2
	die "$1 failed, for the reason above; all of it is in $2"
}
# the archive has not what is needed; tests/lab/kernels.py knows the status
not_available() { printf 'not available: %s\n' "$*" >&2; exit 3; }

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

# private_apt SUITE...: make apt-get and apt-cache see just these suites
private_apt() {
	apt_dir=$CACHE/apt/$(echo "$*" | tr ' ' '_')
	apt_opts="-o Dir::Etc::sourcelist=$apt_dir/sources.list -o Dir::Etc::sourceparts=-"
	apt_opts="$apt_opts -o Dir::State::lists=$apt_dir/lists -o Dir::Cache=$apt_dir/cache"
	apt_opts="$apt_opts -o APT::Sandbox::User= -o Acquire::Retries=3 -o Acquire::Languages=none"
	mkdir -p "$apt_dir/lists/partial" "$apt_dir/cache/archives/partial"

	if [ -z "$(find "$apt_dir/stamp" -mtime -1 2>/dev/null)" ]; then
		for suite; do
			debian_source "$suite"
			debian_source "$suite" deb-src
		done > "$apt_dir/sources.list"
		# shellcheck disable=SC2086
		apt-get $apt_opts -qq update || die "apt-get update failed for $*"
		touch "$apt_dir/stamp"
	fi
}
