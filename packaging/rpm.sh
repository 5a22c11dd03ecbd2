#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Build RPM packages of the working tree.
#
# usage: rpm.sh DIRECTORY     for the packages
set -eu
. "$(dirname "$0")/files.sh"

begin "$1"
mkdir -p "$work/SOURCES"
tar -C "$work" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
	-czf "$work/SOURCES/$package-$version.tar.gz" "$package-$version"

# where dpkg installs packages, rpm knows of none that is needed
nodeps=
rpm -q rpm >/dev/null 2>&1 || nodeps=--nodeps
# the same source gives the same packages, whenever and wherever they are built
rpmbuild -bb $nodeps --define "_topdir $work" --define "project_version $version" \
	--define "use_source_date_epoch_as_buildtime 1" \
	--define "clamp_mtime_to_source_date_epoch 1" --define "_buildhost localhost" \
	packaging/scx-bypass-lb.spec
cp "$work"/RPMS/*/*.rpm "$out"
