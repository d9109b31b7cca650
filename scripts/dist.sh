#!/bin/sh
# SPDX-License-Identifier: MIT
#
# dist.sh [DIR] - heph-VERSION.tar.xz of what is committed, in DIR or here
#
# The same commit makes the same bytes.
set -eu
cd "$(dirname "$0")/.."
dir=${1:-.}
version=$(sed -n "s/^  version: '\(.*\)',$/\1/p" meson.build | head -n 1)
name=heph-$version
git archive --format=tar --prefix="$name/" HEAD | xz -9 >"$dir/$name.tar.xz"
echo "$dir/$name.tar.xz"
