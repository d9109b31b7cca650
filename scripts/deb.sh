#!/bin/sh
# SPDX-License-Identifier: MIT
#
# deb.sh [--once | --only-build] [DIR] - builds the Debian packages of what is committed
#
# They are in DIR then, or in build-deb/. Lintian looks at them, and must find no
# error; then they are built once more, elsewhere and at another time, and must be
# the same, byte for byte; and some tests of the tarball run there, without git.
# --once: lintian and no more; --only-build: not even that, and no package of the source.
set -eu
cd "$(dirname "$0")/.."
only=
case ${1-} in
--once | --only-build)
	only=$1
	shift
	;;
esac
case ${1-build-deb} in
/*) dir=$1 ;;
*) dir=$PWD/${1-build-deb} ;;
esac
top=$PWD

# build DIR KIND: KIND is binary or full
build() {
	rm -rf "$1"
	mkdir -p "$1"
	scripts/dist.sh "$1" >/dev/null
	cd "$1"
	tarball=$(echo heph-*.tar.xz)
	version=${tarball#heph-}
	version=${version%.tar.xz}
	tar xf "$tarball"
	# The original source is the tarball without what is Debian's.
	xz -dc "$tarball" | tar --delete "heph-$version/debian" | xz -2 >"heph_$version.orig.tar.xz"
	rm "$tarball"
	cd "heph-$version"
	DEB_BUILD_OPTIONS="nocheck parallel=$(nproc)" \
		dpkg-buildpackage -us -uc --build="$2" >../build.log 2>&1 || {
		tail -n 40 ../build.log >&2
		exit 1
	}
	cd "$top"
}

if [ "$only" = --only-build ]; then
	build "$dir" binary
	exit 0
fi
build "$dir" full
cd "$dir"
lintian --allow-root --fail-on error heph_*.changes
cd "$top"
if [ "$only" = --once ]; then
	ls "$dir"/*.deb
	exit 0
fi

again=$(mktemp -d)
trap 'rm -rf "$again"' EXIT
build "$again/elsewhere" binary
differ=0
for package in "$dir"/*.deb; do
	cmp "$package" "$again/elsewhere/${package##*/}" || differ=1
done
# The tarball builds and tests itself where there is no git, too.
cd "$again"/elsewhere/heph-*
rm -rf build-tarball
meson setup build-tarball -Doptimization=0 -Ddebug=false >../tarball.log 2>&1 &&
	meson test -C build-tarball $(meson test -C build-tarball --list --no-rebuild 2>/dev/null |
		sed -n 's|^heph:unit / \(base/[a-l]*\)$|\1|p') >>../tarball.log 2>&1 || {
	tail -n 40 ../tarball.log
	exit 1
}
cd "$top"
[ $differ = 0 ] || {
	echo "a second build is not like the first one"
	exit 1
}
echo "built twice, the same:"
ls "$dir"/*.deb
