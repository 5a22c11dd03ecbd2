# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
# Sourced, after apt.sh. A pahole as those have it who build kernels with clang. One before 1.25
# also describes functions that do not get their arguments as the prototype says.

# new_pahole: print its path; with libraries of its own if this machine's is too old
new_pahole() {
	if [ "$(pahole --numeric_version)" -ge 125 ]; then
		echo pahole
		return
	fi
	pahole_dir=$CACHE/pahole
	# two kernels may be prepared at the same time
	exec 8>"$pahole_dir.lock"
	flock 8
	if [ ! -x "$pahole_dir/pahole" ]; then
		say "fetching a newer pahole"
		rm -rf "$pahole_dir"
		mkdir -p "$pahole_dir/root"
		private_apt trixie
		# shellcheck disable=SC2086,SC2154
		(cd "$pahole_dir" && apt-get $apt_opts -qq download pahole libdw1t64 libelf1t64 libbpf1 \
			libc6 zlib1g libzstd1 liblzma5 libbz2-1.0) >&2 ||
			die "cannot fetch a newer pahole, for the reason above: is there a network?"
		for package in "$pahole_dir"/*.deb; do
			dpkg -x "$package" "$pahole_dir/root"
		done
		cat > "$pahole_dir/new" <<-EOF
			#!/bin/sh
			root='$pahole_dir/root/usr'
			exec "\$root/lib64/ld-linux-x86-64.so.2" --library-path "\$root/lib/x86_64-linux-gnu" \\
				"\$root/bin/pahole" "\$@"
		EOF
		chmod +x "$pahole_dir/new"
		"$pahole_dir/new" --version >&2 || die "the newer pahole does not run"
		mv "$pahole_dir/new" "$pahole_dir/pahole"
	fi
	exec 8>&-
	echo "$pahole_dir/pahole"
}
