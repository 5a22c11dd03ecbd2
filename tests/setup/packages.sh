#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Install what the commands need, by apt, in one step, so that all versions fit each other.
# Does nothing when all is there. What is installed is never removed or downgraded, and the
# machine's sources stay as they are. Ends with status 77 if the user may not install.
#
# usage: packages.sh GROUP...     the groups are those of packages_of() and tests/lab/cases.py
set -eu
. "$(dirname "$0")/apt.sh"

packages_of() {
	case $1 in
	# with which every command begins
	base) echo python3 xz-utils ;;
	compiler) echo gcc libc6-dev make ;;
	# to build modules for a kernel, or a kernel
	tree) echo gcc libc6-dev make bc flex bison perl xz-utils zstd libelf-dev libssl-dev \
		pahole bpftool ;;
	# to build and boot a guest
	guest) echo cpio clang-19 libbpf-dev qemu-system-x86 ;;
	clang) echo clang-19 llvm-19 lld-19 ;;
	peers) echo clang-19 llvm-19 lld-19 libelf-dev zlib1g-dev ;;
	check) echo git sparse shellcheck mandoc mypy pyflakes3 perl ;;
	dkms) echo dkms kmod ;;
	fresh) echo debootstrap ;;
	plot) echo gnuplot-nox ;;
	packages) echo make dh-dkms debhelper dpkg-dev fakeroot lintian rpm makepkg \
		pacman-package-manager libarchive-tools mandoc ;;
	command) echo mandoc prometheus ;;
	bpftrace) echo bpftrace ;;
	programs) echo rt-tests stress-ng ;;
	shell) echo busybox-static ;;
	*) die "there is no group of packages $1" ;;
	esac
}

# From which version on they are taken. Of what Debian 12 has, QEMU 7.2 has been seen to die
# in code patching, and bpftool 7.1 leaves out kfuncs; libbpf 1.4 is the oldest that was tried.
oldest() {
	case $1 in
	qemu-system-x86) echo 10.0 ;;
	libbpf-dev) echo 1.4 ;;
	bpftool) echo 7.5 ;;
	esac
}

# Those may be there without the package: what counts is what a command would use.
version_of() {
	case $1 in
	qemu-system-x86) qemu-system-x86_64 --version ;;
	bpftool) bpftool version ;;
	libbpf-dev) echo LIBBPF_MAJOR_VERSION.LIBBPF_MINOR_VERSION |
		cc -E -P -include bpf/libbpf_version.h -x c - ;;
	esac 2>/dev/null | sed -n '1s/[^0-9]*\([0-9]*\) *\. *\([0-9]*\).*/\1.\2/p'
}

is_there() {
	if [ -n "$(oldest "$1")" ]; then
		dpkg --compare-versions "$(version_of "$1")" ge "$(oldest "$1")"
	else
		[ "$(dpkg-query -Wf '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
	fi
}

names=
for group; do
	names="$names $(packages_of "$group")"
done
want=
for name in $(echo "$names" | tr ' ' '\n' | sort -u); do
	is_there "$name" || want="$want $name"
done
[ -n "$want" ] || exit 0

# shellcheck disable=SC1091
system=$(. /etc/os-release && echo "${ID:-} ${VERSION_CODENAME:-}")
# shellcheck disable=SC1091
name=$(. /etc/os-release && echo "$PRETTY_NAME")
case "$system $(uname -m)" in
"debian bookworm x86_64" | "debian trixie x86_64") ;;
*) die "Debian 12 or 13 on x86-64 is needed, and this is $name on $(uname -m): run this on" \
	"such a machine, or in a container or a chroot of one; the packages that are missing" \
	"here are$want" \
	"(QEMU from version $(oldest qemu-system-x86) on, libbpf from $(oldest libbpf-dev) on," \
	"bpftool from $(oldest bpftool) on)" ;;
esac
# a password is asked for here, if at all
if [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null && ! sudo -v 2>/dev/null; then
	echo "packages are missing that only root can install, and sudo does not work here:$want" >&2
	exit 77
fi

release=${system#* }
log=$CACHE/packages.log
dir=$CACHE/apt/machine
# of two commands at once the second one waits here
exec 8>"$CACHE/packages.lock"
flock 8
: > "$log"

# the machine's own sources, keys, pins and state, but lists of ours
options="-qq -o Dir::Etc::sourceparts=$dir/parts -o Dir::State::lists=$dir/lists
	-o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=
	-o Acquire::Languages=none -o Acquire::Retries=3 -o DPkg::Lock::Timeout=600"

# read_sources [backports]: with them, if the machine does not have them already. Whether
# a source failed that does not matter here is seen when packages are looked for.
read_sources() {
	mkdir -p "$dir/lists/partial"
	rm -rf "$dir/new"
	mkdir "$dir/new"
	cp /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources "$dir/new" \
		2>/dev/null || :
	if [ -n "${1:-}" ] && [ -z "$(mirror_of "$release-backports")" ]; then
		debian_source "$release-backports" > "$dir/new/backports.list"
	fi
	# not again for a second group of packages
	if [ -n "$(find "$dir/stamp" -mmin -10 2>/dev/null)" ] &&
		diff -r "$dir/parts" "$dir/new" >/dev/null; then
		return
	fi
	rm -rf "$dir/parts" "$dir/stamp"
	mv "$dir/new" "$dir/parts"
	# without this option it does not fail if there is no network
	# shellcheck disable=SC2086
	if apt-get $options -o APT::Update::Error-Mode=any update </dev/null >>"$log" 2>&1; then
		touch "$dir/stamp"
	fi
}

# choose [APT-OPTIONS...]: can it be installed without removing anything?
choose() {
	chosen="--no-install-recommends --no-remove install -y $* $want"
	# shellcheck disable=SC2086
	apt-get $options --simulate $chosen </dev/null >>"$log" 2>&1
}

# All from the backports that has a newer version there, so that what comes from there
# finds the rest in the same version. Debian 13 itself is new enough: there this is for a
# machine that has some of it from the backports.
choose_backports() {
	read_sources backports
	choose -t "$release-backports"
}

say "installing packages:$want"
{ [ "$release" != bookworm ] && read_sources && choose; } || choose_backports || {
	grep -v -e '^Inst ' -e '^Conf ' -e '^W: Target ' "$log" | tail -n 20 >&2
	die "these packages cannot be installed here, for the reason above:$want"
}
# a service that is started by it does not get the lock
# shellcheck disable=SC2086
as_root env DEBIAN_FRONTEND=noninteractive apt-get $options $chosen </dev/null >>"$log" 2>&1 8>&- ||
	failed "apt-get install" "$log"
for name in $want; do
	is_there "$name" ||
		die "after the installation there is still no usable $name $(oldest "$name")" \
			"(another one may come first in PATH=$PATH)"
done
