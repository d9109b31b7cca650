#!/bin/sh
# SPDX-License-Identifier: MIT
#
# deps.sh [run|test|all] - installs the Debian packages that are missing
#
#   run    to build the library and the examples, and to run the demo
#   test   to run the tests, the checks and the sanitizers as well
#   all    the peers of the benchmarks, formatters, coverage as well
#
# Says what it installs; says nothing when all is there. Elsewhere than on
# Debian and its relatives it names what it would have installed.
set -eu

run="gcc libc6-dev make meson ninja-build pkg-config python3 liburing-dev libc-ares-dev
	libjansson-dev libncurses-dev libssl-dev zlib1g-dev libbrotli-dev libzstd-dev
	libcbor-dev libsodium-dev libnats-dev
	redis-tools redis-server groff-base mandoc netcat-openbsd curl util-linux procps"
test="$run g++ libcmocka-dev clang lld libclang-rt-dev llvm valgrind libc6-dbg gdb
	libuv1-dev libglib2.0-dev strace gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user
	nodejs python3-h11 tinyproxy-bin erlang-base spin dnsmasq-base brotli zstd nginx-light
	socat systemd systemtap-sdt-dev binutils wrk
	nats-server iproute2 libprotobuf-c-dev protobuf-c-compiler protobuf-compiler cmake
	abigail-tools xz-utils openssl furo python3-myst-parser libsqlite3-dev
	libcurl4-openssl-dev libcaf-dev mmdebstrap"
all="$test clang-format clang-tidy gcovr erlang-dev erlang-ssl chromium
	golang-go h2o gnuplot-nox graphviz fonts-dejavu-core
	debhelper dpkg-dev fakeroot lintian bash-completion
	qemu-system-x86 busybox-static e2fsprogs"

what=${1:-run}
case $what in
run) wanted=$run ;;
test) wanted=$test ;;
all) wanted=$all ;;
*)
	echo "usage: $0 [run|test|all]" >&2
	exit 2
	;;
esac

installed() {
	case $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) in
	installed*) return 0 ;;
	*) return 1 ;;
	esac
}

if ! command -v apt-get >/dev/null; then
	echo "This is not Debian: install what these Debian packages hold:"
	echo $wanted | fold -s -w 76 | sed 's/^/    /'
	exit 0
fi

missing=
for package in $wanted; do
	installed "$package" || missing="$missing $package"
done
if [ -z "$missing" ]; then
	exit 0
fi

sudo=
if [ "$(id -u)" != 0 ]; then
	sudo=sudo
	if ! command -v sudo >/dev/null; then
		echo "These packages are missing; install them as root:$missing" >&2
		exit 1
	fi
fi

apt() {
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 \
		-o DPkg::Lock::Timeout=300 "$@"
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Shows what apt-get said only if it failed.
quietly() {
	if ! "$@" >"$log" 2>&1; then
		cat "$log" >&2
		return 1
	fi
}

echo "installing:$missing"
if [ -z "$(find /var/lib/apt/lists -name '*_Packages*' 2>/dev/null | head -n 1)" ]; then
	quietly apt update
fi
# Lists that are too old name packages that are not there any more.
quietly apt install -y --no-install-recommends $missing 2>/dev/null || {
	quietly apt update
	quietly apt install -y --no-install-recommends $missing
}
