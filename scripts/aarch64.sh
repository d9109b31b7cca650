#!/bin/sh
# SPDX-License-Identifier: MIT
#
# aarch64.sh DIR - what is needed to build for AArch64 and to run it in emulation
#
# Leaves DIR/root, what Debian's packages for that machine hold, and DIR/cross.ini
# for Meson. This machine's own packages stay as they are; nobody need be root.
set -eu
packages="libc6-dev libstdc++-12-dev liburing-dev libc-ares-dev libjansson-dev
	libncurses-dev libssl-dev zlib1g-dev libbrotli-dev libzstd-dev libcbor-dev
	libsodium-dev libnats-dev libprotobuf-c-dev libcmocka-dev libuv1-dev libglib2.0-dev"
mkdir -p "$1"
dir=$(cd "$1" && pwd)
[ ! -e "$dir/cross.ini" ] || exit 0

rm -rf "$dir/root" "$dir/bin"
mkdir "$dir/bin"
echo "fetch what Debian has for AArch64"
mmdebstrap --quiet --variant=extract --architectures=arm64 \
	--include="$(echo $packages | tr ' ' ,)" bookworm "$dir/root"

# GCC for the programs, clang for those in C++; one linker for both.
ln -s "$(command -v ld.lld)" "$dir/bin/ld.lld"
cat >"$dir/cross.ini.new" <<END
[binaries]
c = ['aarch64-linux-gnu-gcc', '-B$dir/bin']
cpp = ['clang++', '--target=aarch64-linux-gnu']
ar = 'aarch64-linux-gnu-ar'
strip = 'aarch64-linux-gnu-strip'
pkgconfig = 'pkg-config'
exe_wrapper = ['qemu-aarch64', '-L', '$dir/root']

[built-in options]
c_args = ['--sysroot=$dir/root']
c_link_args = ['--sysroot=$dir/root']
cpp_args = ['--sysroot=$dir/root']
cpp_link_args = ['--sysroot=$dir/root']

[properties]
sys_root = '$dir/root'
pkg_config_libdir = ['$dir/root' / 'usr/lib/aarch64-linux-gnu/pkgconfig', '$dir/root' / 'usr/share/pkgconfig']

[host_machine]
system = 'linux'
cpu_family = 'aarch64'
cpu = 'aarch64'
endian = 'little'
END
mv "$dir/cross.ini.new" "$dir/cross.ini"
