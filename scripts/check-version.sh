#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-version.sh - the version is the same wherever it is written
set -u
cd "$(dirname "$0")/.." || exit 1
failed=0

# is WHERE GOT
is() {
	[ "$2" = "$version" ] && return
	echo "$1 says '$2', meson.build '$version'"
	failed=1
}

version=$(sed -n "s/^  version: '\(.*\)',/\1/p" meson.build | head -n 1)
is include/heph/config.h "$(sed -n 's/^#define HEPH_VERSION "\(.*\)"/\1/p' include/heph/config.h)"
is CHANGELOG.md "$(sed -n 's/^## \([0-9.]*\).*/\1/p' CHANGELOG.md | head -n 1)"
is debian/changelog "$(sed -n 's/^heph (\(.*\)-[^-]*) .*/\1/p' debian/changelog | head -n 1)"
exit $failed
