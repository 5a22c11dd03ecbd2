#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Build RPM packages of the working tree.
#
# usage: rpm.sh DIRECTORY     for the packages
set -eu
. "$(dirname "$0")/files.sh"

begin "$1"
mkdir -p "$work/SOURCES"
tar -C "$work" -czf "$work/SOURCES/$package-$version.tar.gz" "$package-$version"

# where dpkg installs packages, rpm knows of none that is needed
nodeps=
rpm -q rpm >/dev/null 2>&1 || nodeps=--nodeps
rpmbuild -bb $nodeps --define "_topdir $work" --define "project_version $version" \
	packaging/scx-bypass-lb.spec
cp "$work"/RPMS/*/*.rpm "$out"
