# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
# Sourced. A scratch root: this machine as it is, but all that is written to it is lost. For
# what installs packages for real. Needs root.

# Not possible here: suite.py knows the status and takes the last line as the reason.
skip() {
	echo "skipped: $1"
	exit 77
}

# scratch_enter DIRECTORY: run the rest of the script in a mount namespace of its own
scratch_enter() {
	[ "${IN_SCRATCH:-}" != yes ] || return 0
	[ "$(id -u)" = 0 ] || skip "this needs root"
	allowed=$(unshare --mount true 2>&1) || skip "no mount namespace here: $allowed"
	grep -qw overlay /proc/filesystems || modprobe overlay 2>/dev/null ||
		skip "this machine has no overlay file system"
	exec env IN_SCRATCH=yes unshare --mount --propagation private sh "$0" "$@"
}

# scratch_make DIRECTORY: make the root in it. What is below DIRECTORY stays visible there.
scratch_make() {
	root=$1/root
	mkdir -p "$1/layers" "$root"
	mount -t tmpfs tmpfs "$1/layers"
	mkdir "$1/layers/upper" "$1/layers/work"
	mount -t overlay overlay \
		-o "lowerdir=/,upperdir=$1/layers/upper,workdir=$1/layers/work" "$root" 2>"$1/mount" ||
		skip "no overlay on this machine's root: $(head -n 1 "$1/mount")"
	# what the machine itself installs meanwhile must not show through
	cp -a /var/lib/dpkg "$1/layers/dpkg"
	rm -rf "$1"/layers/dpkg/updates/* "$1"/layers/dpkg/lock*
	mount --bind "$1/layers/dpkg" "$root/var/lib/dpkg"
	mount --rbind /dev "$root/dev"
	mount --rbind /sys "$root/sys"
	mount -t proc proc "$root/proc"
	mkdir -p "$root$1"
	mount --bind "$1" "$root$1"
	# the machine's own modules and packages of the same name are not there
	rm -rf "$root/lib/modules" "$root/var/lib/dkms" "$root"/usr/src/scx_bypass_lb-*
	mkdir -p "$root/lib/modules" "$root/var/lib/dkms"
}

# scratch_kernel RELEASE TREE: RELEASE is installed, with TREE to build for it
scratch_kernel() {
	mkdir -p "$root/lib/modules/$1"
	touch "$root/lib/modules/$1/modules.order" "$root/lib/modules/$1/modules.builtin"
	[ -z "$2" ] || ln -sfn "$2" "$root/lib/modules/$1/build"
}

# scratch_runs RELEASE: RELEASE is the kernel that runs
scratch_runs() {
	[ -e "$root/usr/bin/uname.real" ] || mv "$root/usr/bin/uname" "$root/usr/bin/uname.real"
	cat > "$root/usr/bin/uname" <<END
#!/bin/sh
[ "\$*" = -r ] && exec echo $1
exec /usr/bin/uname.real "\$@"
END
	chmod +x "$root/usr/bin/uname"
}

# scratch_loaded MODULE VERSION: it looks as if this module were loaded
scratch_loaded() {
	mount -t tmpfs tmpfs "$root/sys/module"
	mkdir "$root/sys/module/$1"
	echo live > "$root/sys/module/$1/initstate"
	echo 0 > "$root/sys/module/$1/refcnt"
	echo "$2" > "$root/sys/module/$1/version"
	# a kernel without modules has no such file
	[ -e "$root/proc/modules" ] || return 0
	echo "$1 65536 0 - Live 0x0000000000000000 (OEK)" > "$root/loaded"
	mount --bind "$root/loaded" "$root/proc/modules"
}

# scratch_watch COMMAND...: what is called goes to the file "called" and is not run
scratch_watch() {
	for watched; do
		# the tools of kmod are links to one program
		rm -f "$root/usr/sbin/$watched"
		printf '#!/bin/sh\necho "%s $*" >> /called\n' "$watched" > "$root/usr/sbin/$watched"
		chmod +x "$root/usr/sbin/$watched"
	done
}

# in_scratch COMMAND...
in_scratch() {
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C \
		DEBIAN_FRONTEND=noninteractive chroot "$root" "$@"
}
