#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A bare Debian 12 can run the commands: made by debootstrap, with nothing but make, git and
# certificates added, the set-up installs and prepares all that "make demo" uses. With FRESH=demo
# also a bare Debian 13 can: in one as root, in the other as a user with sudo. It then prepares
# what "make test" uses too, and the demo runs there.
#
# In a mount and a PID namespace of its own: however the case ends, nothing stays mounted
# and no process stays. Guests that run meanwhile go first.
#
# usage: fresh.sh KERNEL_DIRECTORY WORK_DIRECTORY
set -eu
work=$2
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/setup/apt.sh"

# suite.py knows the status and takes the last line as the reason
skip() { echo "skipped: $1"; exit 77; }

if [ "${IN_NAMESPACE:-}" != yes ]; then
	rm -rf "$work"
	mkdir -p "$work"
	[ "$(id -u)" = 0 ] || skip "only root can make another system"
	namespaces="--mount --pid --fork --kill-child"
	# shellcheck disable=SC2086
	unshare $namespaces --mount-proc true 2>"$work/unshare.log" ||
		skip "no namespaces here: $(tail -n 1 "$work/unshare.log")"
	# shellcheck disable=SC2086
	exec env IN_NAMESPACE=yes nice unshare $namespaces sh "$0" "$@"
fi
trap 'exit 130' INT TERM HUP

mkdir -p "$CACHE/fresh"
rm -f "$CACHE/fresh/null"
{ mknod "$CACHE/fresh/null" c 1 3 && : > "$CACHE/fresh/null"; } 2>"$work/mknod.log" ||
	skip "no device files in $CACHE here: $(tail -n 1 "$work/mknod.log")"
rm "$CACHE/fresh/null"

codename=$(debian_codename)
main=$(mirror_of "$codename")
case $main in
http:* | https:* | file:*) ;;
*) skip "apt's configuration has no Debian mirror that debootstrap can use" ;;
esac
security=$(mirror_of "$codename-security")
# debootstrap does not know apt's proxy
eval "$(apt-config shell http_proxy Acquire::http::Proxy)"
export http_proxy="${http_proxy:-}"

# sources RELEASE: as an installed system has them, in the older form and in the newer one
sources() {
	if [ "$1" = bookworm ]; then
		echo "deb $main $1 main"
		echo "deb $main $1-updates main"
		[ -z "$security" ] || echo "deb $security $1-security main"
		return
	fi
	echo "Types: deb"
	echo "URIs: $main"
	echo "Suites: $1 $1-updates"
	echo "Components: main"
	echo "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg"
	[ -n "$security" ] || return 0
	echo
	echo "Types: deb"
	echo "URIs: $security"
	echo "Suites: $1-security"
	echo "Components: main"
	echo "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg"
}

# bare_system RELEASE DIRECTORY
bare_system() {
	# nobody needs this system after a power failure
	mkdir -p "$2/etc/dpkg/dpkg.cfg.d"
	echo force-unsafe-io > "$2/etc/dpkg/dpkg.cfg.d/unsafe-io"
	debootstrap --variant=minbase "$1" "$2" "$main"
	if [ "$1" = bookworm ]; then
		sources "$1" > "$2/etc/apt/sources.list"
	else
		rm -f "$2/etc/apt/sources.list"
		sources "$1" > "$2/etc/apt/sources.list.d/debian.sources"
	fi
	# how this machine reaches the mirror
	apt-config dump | grep -i -e '^Acquire::[a-z]*::Proxy ' -e '^Acquire::Check-' \
		-e '^Acquire::Retries' > "$2/etc/apt/apt.conf.d/01machine" || :
	mount -t proc proc "$2/proc"
	inside "$2" apt-get -qq update
	inside "$2" apt-get -qq install -y --no-install-recommends make git ca-certificates
	if [ "$1" != bookworm ]; then
		inside "$2" apt-get -qq install -y --no-install-recommends sudo
		inside "$2" useradd --create-home user
		echo 'user ALL=(ALL) NOPASSWD: ALL' > "$2/etc/sudoers.d/user"
	fi
	mkdir "$2/project"
	tar -C "$top" -c --exclude=./.git . | tar -C "$2/project" -x --no-same-owner
	chmod -R a+rX "$2/project"
}

# inside DIRECTORY COMMAND...
inside() {
	root=$1
	shift
	chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C \
		DEBIAN_FRONTEND=noninteractive http_proxy="$http_proxy" "$@"
}

# make_there DIRECTORY ARGUMENTS...: as that user, if there is one
make_there() {
	root=$1
	shift
	if [ -d "$root/home/user" ]; then
		chroot --userspec=user:user "$root" env -i PATH=/usr/local/bin:/usr/bin:/bin \
			HOME=/home/user LC_ALL=C http_proxy="$http_proxy" make -C /project "$@"
	else
		inside "$root" make -C /project "$@"
	fi
}

# step RELEASE TEXT COMMAND...: run it, and report how long it took
step() {
	release=$1 text=$2
	shift 2
	begin=$(date +%s)
	# in the background: only there set -e counts within the condition that this is
	status=0
	(set -eu; "$@") </dev/null >>"$work/$release.log" 2>&1 &
	wait $! || status=$?
	echo "$release: $text: status $status, $(($(date +%s) - begin)) s"
	if [ "$status" != 0 ]; then
		echo "the end of $work/$release.log:"
		tail -n 25 "$work/$release.log"
	fi
	return "$status"
}

# run RELEASE: all steps, until one fails
run() {
	root=$CACHE/fresh/$1
	rm -rf --one-file-system "$root"
	mkdir -p "$root"
	step "$1" "a bare system" bare_system "$1" "$root" || return
	step "$1" "what the demo uses" make_there "$root" setup || return
	[ "${FRESH:-}" = demo ] || return 0
	step "$1" "what other cases use" make_there "$root" setup \
		CASES="peers check dkms sim direct" || return
	step "$1" "make demo" make_there "$root" demo || return
	grep '^Shown: ' "$work/$1.log" || { echo "the demo has shown nothing"; return 1; }
}

wrong=
for release in bookworm ${FRESH:+trixie}; do
	run $release || {
		wrong="$wrong $release"
		# the logs that a message may name
		find "$CACHE/fresh/$release/root" "$CACHE/fresh/$release/home" -type f \
			\( -name '*.log' -o -name 'demo.*' \) -exec cp {} "$work" \; || :
	}
	umount "$CACHE/fresh/$release/proc" 2>/dev/null || :
	rm -rf --one-file-system "$CACHE/fresh/$release"
done
[ -z "$wrong" ] || { echo "FAILED:$wrong"; exit 1; }
