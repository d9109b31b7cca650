#!/bin/sh
# SPDX-License-Identifier: MIT
#
# first-hour.sh [PAGE...] - two pages, word for word, in a clean Debian
#
# Makes a root of the Debian that this is, with nothing but what is always there,
# sudo, and a user who may use it; builds the packages of what is committed; lays
# them into the folder of that user; and types what the page says
# (tests/first-hour/follow.py). The page is the script: what a reader needs and the
# page does not say is missing here, too.
#
# Needs to be root, mmdebstrap, a mirror that apt knows, and namespaces of its own for
# mounts and processes: how ever this ends, the kernel takes them away with it.
# PACKAGES=DIR: those packages, instead of new ones.
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- docs/guide/quick-start.md docs/guide/building.md

cannot() {
	echo "first-hour: cannot run here: $*" >&2
	exit 1
}
. /etc/os-release
[ "${ID-}" = debian ] || cannot "this is not Debian"
[ "$(id -u)" = 0 ] || cannot "only root may make a root"
command -v mmdebstrap >/dev/null || cannot "there is no mmdebstrap"
unshare --mount --pid --fork true || cannot "namespaces are forbidden"

tmp=$(mktemp -d)
building=
trap 'code=$?; [ -z "$building" ] || kill "$building" 2>/dev/null || true
	rm -rf "$tmp"; exit $code' EXIT
trap 'exit 1' HUP INT TERM
root=$tmp/root user=reader

# The mirrors of this machine, and how it reaches them.
apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' \
	'Created-By: Packages' 'Origin: Debian' "Codename: $VERSION_CODENAME" | sort -u >"$tmp/sources"
for suite in updates security; do
	apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' \
		'Created-By: Packages' 'Origin: Debian' "Codename: $VERSION_CODENAME-$suite" |
		sort -u >>"$tmp/sources"
done
[ -s "$tmp/sources" ] || cannot "apt knows no mirror of $VERSION_CODENAME: apt-get update"
apt-config dump | grep -i '^Acquire::.*proxy' >"$tmp/proxies" || true

mmdebstrap --quiet --variant=minbase --include=sudo --skip=cleanup/apt \
	--aptopt="$tmp/proxies" "$VERSION_CODENAME" "$root" "$tmp/sources" >"$tmp/root.log" 2>&1 &
building=$!

if [ -z "${PACKAGES-}" ]; then
	PACKAGES=$tmp/packages
	scripts/deb.sh --only-build "$PACKAGES" >&2
fi
wait "$building" || {
	building=
	cat "$tmp/root.log" >&2
	cannot "mmdebstrap has failed"
}
building=

cp "$tmp/proxies" "$root/etc/apt/apt.conf.d/90proxies"
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
hostname >"$root/etc/hostname"
chroot "$root" useradd --create-home --shell /bin/bash $user
echo "$user ALL=(ALL) NOPASSWD: ALL" >"$root/etc/sudoers.d/$user"
echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/hurry"
find "$PACKAGES" -maxdepth 1 -name '*.deb' ! -name '*-dbgsym_*' \
	-exec cp -t "$root/home/$user" {} +

export first_hour_root="$root" first_hour_user=$user
unshare --mount --pid --fork --kill-child sh -euc '
	mount -t proc proc /proc
	mount -t proc proc "$first_hour_root/proc"
	mount --rbind /dev "$first_hour_root/dev"
	mount -t tmpfs tmpfs "$first_hour_root/tmp"
	mount --rbind /sys "$first_hour_root/sys"
	python3 tests/first-hour/follow.py "$first_hour_root" "$first_hour_user" "$@"' sh "$@"
