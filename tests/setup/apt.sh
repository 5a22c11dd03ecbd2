# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
# Sourced. Debian's archive through this machine's own apt configuration: the
# mirror and the keys are the machine's, the lists and the state are private,
# in $CACHE/apt, so that nothing of the machine's own is changed.

CACHE=${CACHE:-$HOME/.cache/scx_bypass_lb}
mkdir -p "$CACHE"

say() { printf '%s %s\n' "$(date +%H:%M:%S)" "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }
# the archive has not what is needed; tests/kernels.py knows the status
not_available() { printf 'not available: %s\n' "$*" >&2; exit 3; }

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

debian_codename() {
	# shellcheck disable=SC1091
	(. /etc/os-release && echo "$VERSION_CODENAME")
}

# The address of the mirror that serves this machine's Debian release.
debian_mirror() {
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(CREATED_BY)' |
		awk -v r="$(debian_codename)" '$2 == r && $3 == "Packages" { print $1; exit }'
}

# private_apt SUITE...: make apt-get and apt-cache see just these suites
private_apt() {
	apt_dir=$CACHE/apt/$(echo "$*" | tr ' ' '_')
	apt_opts="-o Dir::Etc::sourcelist=$apt_dir/sources.list -o Dir::Etc::sourceparts=-"
	apt_opts="$apt_opts -o Dir::State::lists=$apt_dir/lists -o Dir::Cache=$apt_dir/cache"
	apt_opts="$apt_opts -o APT::Sandbox::User= -o Acquire::Retries=3"
	mkdir -p "$apt_dir/lists/partial" "$apt_dir/cache/archives/partial"

	if [ -z "$(find "$apt_dir/stamp" -mtime -1 2>/dev/null)" ]; then
		mirror=$(debian_mirror)
		[ -n "$mirror" ] || die "no Debian mirror in the apt configuration of this machine"
		keys=/usr/share/keyrings/debian-archive-keyring.gpg
		for suite; do
			echo "deb [signed-by=$keys] $mirror $suite main"
			echo "deb-src [signed-by=$keys] $mirror $suite main"
		done > "$apt_dir/sources.list"
		# shellcheck disable=SC2086
		apt-get $apt_opts -qq update || die "apt-get update failed for $*"
		touch "$apt_dir/stamp"
	fi
}
