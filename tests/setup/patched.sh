# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
# Sourced, after source.sh. A source with changes of ours, those of tests/patches.

# patch_source NAME...: change what fetch_source has unpacked; sets $source to the
# result. The unchanged files are shared with the original.
patch_source() {
	original=${source:?}
	patches=
	for name; do
		source=$source-$name
		patches="$patches ${here:?}/../patches/$name.patch"
	done

	exec 9>"$source.lock"
	flock 9
	# shellcheck disable=SC2086
	if ! cat $patches | cmp -s - "$source/.patched"; then
		say "changing the source of ${upstream:?}: $*"
		rm -rf "$source"
		cp -al "$original" "$source"
		for patch in $patches; do
			# it writes new files, so that the original stays as it is
			patch -s -d "$source" -p1 --fuzz=0 < "$patch" ||
				die "the source of $upstream cannot be changed by $patch"
		done
		cat $patches > "$source/.patched"
	fi
	exec 9>&-
}
