#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The packages: built, installed, upgraded from the version before, removed, by the real
# tools in a scratch root: apt and dpkg, rpm, makepkg. What is left in dkms, /usr/src and
# /lib/modules is what must be; no script loads or unloads a module, also if it is loaded; a
# kernel that is not supported is no error.
#
# usage: packages.sh KERNEL_DIRECTORY WORK_DIRECTORY
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/scratch.sh"
kernel=$1 work=$2

if [ "${IN_SCRATCH:-}" != yes ]; then
	rm -rf "$work"
	mkdir -p "$work"
fi
scratch_enter "$@"

top=$(cd "$here/../.." && pwd)
release=$(cat "$kernel/build/include/config/kernel.release")
version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' "$top/dkms.conf")
before=0.1.0
conf=/etc/modprobe.d/scx_bypass_lb.conf
export DEBFULLNAME="Test / Builder & Co" DEBEMAIL=builder@example.org

fail() {
	echo "FAILED: $1"
	tail -n 40 "$work/log"
	exit 1
}

# logged WHAT COMMAND...
logged() {
	what=$1
	shift
	"$@" >"$work/log" 2>&1 || fail "$what: exit status $?"
}

# build_packages TREE DIRECTORY
build_packages() {
	logged "make deb" make -C "$1" deb PACKAGES="$2"
	logged "make rpm" make -C "$1" rpm PACKAGES="$2"
}

# The package of the version before: this one, but for the version.
build_before() {
	mkdir "$work/tree"
	(cd "$top" && cp -r Makefile Kbuild dkms.conf LICENSE ./*.md src include docs contrib \
		packaging tools "$work/tree")
	sed -i "s/^PACKAGE_VERSION=.*/PACKAGE_VERSION=\"$before\"/" "$work/tree/dkms.conf"
	build_packages "$work/tree" "$work/old"
}

modules() {
	find "$root/lib/modules" -name 'scx_bypass_lb.ko*'
}

# must_have VERSION: it is installed, it alone, and for the kernel that runs
must_have() {
	found=$(in_scratch dkms status scx_bypass_lb)
	[ "$found" = "scx_bypass_lb/$1, $release, x86_64: installed" ] ||
		fail "$step: dkms says '$found'"
	[ "$(in_scratch ls /usr/src | grep scx_bypass)" = "scx_bypass_lb-$1" ] ||
		fail "$step: /usr/src has $(in_scratch ls /usr/src | grep scx_bypass)"
	[ "$(modules | wc -l)" = 1 ] || fail "$step: there is not one module, but '$(modules)'"
	found=$(modinfo -F version "$(modules)")
	[ "$found" = "$1" ] || fail "$step: the module is version '$found'"
	grep -q '^updates/dkms/scx_bypass_lb.ko' "$root/lib/modules/$release/modules.dep" ||
		fail "$step: depmod does not know the module"
	echo "$step: version $1 is installed, and nothing else"
}

must_have_nothing() {
	[ -z "$(in_scratch dkms status scx_bypass_lb)" ] ||
		fail "$step: dkms still says '$(in_scratch dkms status scx_bypass_lb)'"
	[ -z "$(find "$root/usr/src" -maxdepth 1 -name 'scx_bypass*')" ] ||
		fail "$step: /usr/src is not empty"
	[ ! -e "$root/var/lib/dkms/scx_bypass_lb" ] || fail "$step: dkms keeps a directory"
	[ -z "$(modules)" ] || fail "$step: a module is left"
	[ -z "$(find "$root/lib/modules" -path '*updates*')" ] || fail "$step: a directory is left"
	echo "$step: nothing is left"
}

# An edit of the administrator's stays.
edit_conf() {
	[ -e "$root$conf" ] || fail "$conf is not there"
	! grep -v -e '^#' -e '^$' "$root$conf" || fail "$conf: a line is not commented out"
	sed -i 's/^#\(options.*slice_bypass_us\)=.*/\1=1000/' "$root$conf"
}

conf_must_be_edited() {
	grep -q '^options scx_bypass_lb slice_bypass_us=1000$' "$root$conf" ||
		fail "$step: the administrator's edit of $conf is lost"
}

# Each parameter of the module is in its file and in its manual, and none else.
check_parameters() {
	modinfo -F parm "$(modules)" | sed 's/:.*//' | sort > "$work/parameters"
	sed -n 's/^#options scx_bypass_lb \([a-z_]*\)=.*/\1/p' "$top/packaging/scx_bypass_lb.conf" |
		sort > "$work/in-conf"
	sed -n 's/^\.It Va \([a-z_]*\)$/\1/p' "$top/docs/man/scx_bypass_lb.4" | sort > "$work/in-manual"
	for where in in-conf in-manual; do
		diff "$work/parameters" "$work/$where" > "$work/log" || fail "parameters $where"
	done
	echo "parameters: $(tr '\n' ' ' < "$work/parameters")are documented"
}

# check_links DIRECTORY: what the documents there name is there as well
check_links() {
	[ -e "$1/README.md" ] || fail "$step: no documents in $1"
	for page in "$1"/*.md "$1"/docs/*.md; do
		grep -o '](\([^):#]*\)[)#]' "$page" | sed 's/^](//; s/[)#]$//' | sort -u |
			while read -r to; do
				[ -z "$to" ] || [ -e "${page%/*}/$to" ] || echo "$page: no $to"
			done
	done > "$work/log"
	[ ! -s "$work/log" ] || fail "$step: a link in a document leads nowhere"
	echo "$step: what the documents name is there"
}

apt_install() {
	logged "$step" in_scratch apt-get -qq install -y --no-install-recommends "$@"
}

by_apt() {
	step="apt install $before"
	apt_install "$work/old/scx-bypass-lb-dkms_${before}_all.deb"
	must_have "$before"
	edit_conf
	# for all that comes; what a real one sees of it is the case "upgrade"
	scratch_loaded scx_bypass_lb "$before"
	step="apt upgrade"
	apt_install "$work/new/scx-bypass-lb-dkms_${version}_all.deb" \
		"$work/new/scx-bypass-lb-tools_${version}_amd64.deb"
	must_have "$version"
	check_parameters
	check_links "$root/usr/share/doc/scx-bypass-lb-dkms"
	conf_must_be_edited
	[ "$(in_scratch scx-bypass --version)" = "scx-bypass $version" ] || fail "$step: no command"
	step="apt install the same version again"
	apt_install --reinstall "$work/new/scx-bypass-lb-dkms_${version}_all.deb"
	must_have "$version"
	step="apt remove"
	logged "$step" in_scratch apt-get -qq remove -y scx-bypass-lb-dkms scx-bypass-lb-tools
	must_have_nothing
	conf_must_be_edited
	step="apt purge"
	logged "$step" in_scratch apt-get -qq purge -y scx-bypass-lb-dkms
	[ ! -e "$root$conf" ] || fail "$step: $conf is left"
}

# unsupported RELEASE TREE: apt succeeds, and leaves no module, and so does what that kernel's own
# packages call
unsupported() {
	scratch_kernel "$1" "$2"
	scratch_runs "$1"
	step="apt install on $1"
	apt_install "$work/new/scx-bypass-lb-dkms_${version}_all.deb"
	logged "dkms's hook for $1" in_scratch /etc/kernel/postinst.d/dkms "$1"
	[ -z "$(modules)" ] || fail "$step: there is a module"
	[ "$(in_scratch dkms status scx_bypass_lb)" = "scx_bypass_lb/$version: added" ] ||
		fail "$step: dkms says '$(in_scratch dkms status scx_bypass_lb)'"
	echo "$step: it succeeds, without a module"
	step="apt purge on $1"
	logged "$step" in_scratch apt-get -qq purge -y scx-bypass-lb-dkms
	must_have_nothing
	scratch_runs "$release"
}

by_rpm() {
	# rpm does not know what dpkg has installed
	step="rpm -i $before"
	logged "$step" in_scratch rpm -i --nodeps "$work/old/scx-bypass-lb-dkms-$before-1.noarch.rpm"
	must_have "$before"
	edit_conf
	step="rpm -U"
	logged "$step" in_scratch rpm -U --nodeps "$work/new/scx-bypass-lb-dkms-$version-1.noarch.rpm" \
		"$work/new/scx-bypass-lb-tools-$version-1.x86_64.rpm"
	must_have "$version"
	check_links "$root/usr/share/doc/scx-bypass-lb-dkms-$version"
	conf_must_be_edited
	# as with another release
	step="rpm -U of the same version, with two kernels"
	scratch_kernel "$release-2" "$kernel/build"
	touch "$work/before"
	logged "$step" in_scratch rpm -U --nodeps --replacepkgs \
		"$work/new/scx-bypass-lb-dkms-$version-1.noarch.rpm"
	for built in "$release" "$release-2"; do
		[ -n "$(find "$root/lib/modules/$built" -name 'scx_bypass_lb.ko*' -newer "$work/before")" ] ||
			fail "$step: it is not built for $built"
	done
	echo "$step: it is built for both"
	step="rpm -e"
	logged "$step" in_scratch rpm -e scx-bypass-lb-dkms scx-bypass-lb-tools
	must_have_nothing
	rm -r "$root/lib/modules/$release-2"
	scratch_runs 7.3.4+deb13-amd64
	step="rpm -i on 7.3.4+deb13-amd64"
	logged "$step" in_scratch rpm -i --nodeps "$work/new/scx-bypass-lb-dkms-$version-1.noarch.rpm"
	must_have "$version"
	step="rpm -e on 7.3.4+deb13-amd64"
	logged "$step" in_scratch rpm -e scx-bypass-lb-dkms
	must_have_nothing
}

# makepkg does not run as root, and another user may see none of root's directories.
by_makepkg() {
	arch=$(mktemp -d)
	trap 'rm -rf "$arch"' EXIT
	cp -r "$work/tree/." "$arch"
	cp "$top/dkms.conf" "$arch"
	chown -R nobody "$arch"
	logged "makepkg" setpriv --reuid=65534 --clear-groups env HOME="$arch" PKGEXT=.pkg.tar \
		PACKAGER="$DEBFULLNAME <$DEBEMAIL>" sh -c "cd '$arch/packaging' && makepkg --nodeps"
	for package in dkms-$version-1-any tools-$version-1-x86_64; do
		tar -tf "$arch/packaging/scx-bypass-lb-$package.pkg.tar" > "$work/$package"
	done
	for file in "usr/src/scx_bypass_lb-$version/dkms.conf" \
		"usr/src/scx_bypass_lb-$version/src/hooks/hook.c" etc/modprobe.d/scx_bypass_lb.conf \
		usr/share/doc/scx-bypass-lb-dkms/README.md; do
		grep -qx "$file" "$work/dkms-$version-1-any" || fail "makepkg: no $file"
	done
	grep -qx usr/bin/scx-bypass "$work/tools-$version-1-x86_64" || fail "makepkg: no command"
	echo "makepkg: both packages are built"
}

build_packages "$top" "$work/new"
build_before
found=$(dpkg-deb -f "$work/new/scx-bypass-lb-dkms_${version}_all.deb" Maintainer)
[ "$found" = "$DEBFULLNAME <$DEBEMAIL>" ] || fail "the maintainer is '$found'"
echo "built: $(cd "$work/new" && echo ./*.deb ./*.rpm)"
logged lintian lintian --allow-root --fail-on error "$work/new/scx-bypass-lb_${version}_amd64.changes"
! grep '^E:' "$work/log" || fail "lintian has errors"
echo "lintian: no errors"

scratch_make "$work"
scratch_kernel "$release" "$kernel/build"
scratch_runs "$release"
scratch_watch modprobe insmod rmmod
by_apt
unsupported 7.3.4+deb13-amd64 "$kernel/build"
mkdir "$work/no-btf"
cp -r "$kernel/build/include" "$work/no-btf"
grep -v '^CONFIG_DEBUG_INFO_BTF=' "$kernel/build/.config" > "$work/no-btf/.config"
unsupported 6.18.99-without-btf "$work/no-btf"
unsupported 6.18.98-without-headers ""
by_rpm
# what watches must see a call
in_scratch modprobe -V
grep -qx 'modprobe -V' "$root/called" || fail "a call of modprobe is not seen"
sed -i '/^modprobe -V$/d' "$root/called"
[ ! -s "$root/called" ] || fail "a package has called: $(cat "$root/called")"
echo "no package loads or unloads a module"
by_makepkg
