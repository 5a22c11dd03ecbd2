# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
# Sourced. What packages are made of, and how each script that makes them begins.

# begin DIRECTORY: for the packages, becomes $out. The current directory becomes the
# project's, and $work one for what is needed on the way.
begin() {
	mkdir -p "$1"
	# shellcheck disable=SC2034
	out=$(cd "$1" && pwd)
	cd "$(dirname "$0")/.." || exit
	package=scx-bypass-lb
	version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
	source_date
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	source=$work/$package-$version
	copy_source "$source"
}

# copy_source DIRECTORY: what the packages are built from
copy_source() {
	mkdir -p "$1"
	cp -r dkms.conf Kbuild Makefile LICENSE README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md \
		include docs contrib "$1"
	# documents show the same as PNG
	rm -f "$1"/docs/charts/*.svg
	# not what builds have left there
	cp -r --parents src/*.[ch] src/*/*.[ch] tools/*.[ch] tools/Makefile tools/completion.bash \
		packaging/PKGBUILD packaging/*.sh packaging/*.spec packaging/*.conf packaging/debian "$1"
}

# The builder of a package is its maintainer.
maintainer() {
	name=${DEBFULLNAME:-$(git config user.name 2>/dev/null || id -un)}
	email=${DEBEMAIL:-$(git config user.email 2>/dev/null || echo "$(id -un)@$(hostname -f)")}
	echo "$name <$email>"
}

# Of the last commit, so that the same source gives the same package.
source_date() {
	if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
		SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || date +%s)
	fi
	export SOURCE_DATE_EPOCH
}
