#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Build Debian packages of the working tree.
#
# usage: deb.sh DIRECTORY     for the packages
set -eu
. "$(dirname "$0")/files.sh"

begin "$1"
mv "$source/packaging/debian" "$source/debian"
# a name may have what sed takes for its own
sed -i "s/@MAINTAINER@/$(maintainer | sed 's/[\/&]/\\&/g')/" "$source/debian/control" "$source/debian/copyright"
cat > "$source/debian/changelog" <<END
$package ($version) unstable; urgency=medium

  * Built from the project's own tree. See CHANGELOG.md for what has changed.

 -- $(maintainer)  $(date -R -d "@$SOURCE_DATE_EPOCH")
END

(cd "$source" && DEB_BUILD_OPTIONS=noautodbgsym dpkg-buildpackage -us -uc)
find "$work" -maxdepth 1 -type f -exec cp {} "$out" \;
