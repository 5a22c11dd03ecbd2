#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Install what builds and tests need, by apt, and what the arguments name. Does nothing
# when all is there.
set -eu
. "$(dirname "$0")/apt.sh"

packages="gcc make bc flex bison cpio xz-utils zstd perl git libelf-dev libssl-dev pahole
	clang-19 llvm-19 lld-19 sparse shellcheck dkms kmod python3"
# Debian 12 has them too old: its QEMU 7.2 has been seen to die in code patching
newer="qemu-system-x86 libbpf-dev bpftool"

missing() {
	for p; do
		[ "$(dpkg-query -Wf '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] ||
			printf '%s ' "$p"
	done
}

qemu_too_old() {
	! dpkg --compare-versions \
		"$(dpkg-query -Wf '${Version}' qemu-system-x86 2>/dev/null)" ge 1:10
}

# shellcheck disable=SC2086
want=$(missing $packages "$@") want_newer=$(missing $newer)
if qemu_too_old; then
	want_newer=$newer
fi
[ -n "$want$want_newer" ] || exit 0

say "installing packages: $want$want_newer"
as_root apt-get -qq update
export DEBIAN_FRONTEND=noninteractive
if [ -n "$want_newer" ]; then
	parts=/etc/apt/sources.list.d
	release=$(debian_codename)
	if [ "$release" = bookworm ]; then
		# the machine's own sources and, for this call, the backports
		parts=$CACHE/apt/parts
		rm -rf "$parts" && mkdir -p "$parts"
		cp /etc/apt/sources.list.d/* "$parts" 2>/dev/null || :
		echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]" \
			"$(debian_mirror) bookworm-backports main" > "$parts/backports.list"
		release=bookworm-backports
		as_root apt-get -o Dir::Etc::sourceparts="$parts" -qq update
	fi
	# shellcheck disable=SC2086
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dir::Etc::sourceparts="$parts" \
		-t "$release" install -y --no-install-recommends $want_newer \
		</dev/null >"$CACHE/packages.log" 2>&1 ||
		die "apt-get install failed, see $CACHE/packages.log"
fi
if [ -n "$want" ]; then
	# shellcheck disable=SC2086
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y \
		--no-install-recommends $want </dev/null >>"$CACHE/packages.log" 2>&1 ||
		die "apt-get install failed, see $CACHE/packages.log"
fi
