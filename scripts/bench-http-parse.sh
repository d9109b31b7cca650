#!/bin/sh
# SPDX-License-Identifier: MIT
#
# bench-http-parse.sh [NAME=PATH]... - our parser of requests beside those that Debian
# has: picohttpparser (in libh2o), llhttp (in libnode) and http-parser
#
# Their packages are fetched and laid out in a directory that is removed again; none
# is installed. (npm has none in C: llhttp's package there is what C is made from.)
# NAME=PATH is one more library that has phr_parse_request().
set -eu
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

command -v apt-get >/dev/null || {
	echo "bench-http-parse: this is not Debian; only what is installed is there" >&2
	exec "$BUILD/bench/http-parse" "$@"
}
chmod 755 "$dir"
for package in libh2o0.13 libnode108 libhttp-parser2.9; do
	(cd "$dir" && apt-get -qq download "$package" >/dev/null 2>&1) ||
		echo "bench-http-parse: no $package" >&2
done
for package in "$dir"/*.deb; do
	[ ! -f "$package" ] || dpkg -x "$package" "$dir"
done
LD_LIBRARY_PATH=$(echo "$dir"/usr/lib/*-linux-gnu) "$BUILD/bench/http-parse" "$@"
