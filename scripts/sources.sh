#!/bin/sh
# SPDX-License-Identifier: MIT
#
# sources.sh DIR PATTERN... - lists the files of a folder, for meson.build
#
# Nothing in this project is listed by hand: a file that is there is built, and
# a test that is there is run. scripts/build.sh notices when the list changes.
set -eu
cd "$(dirname "$0")/.."
export LC_ALL=C
dir=$1
shift
for pattern; do
	for file in "$dir"/$pattern; do
		if [ -e "$file" ]; then
			echo "$file"
		fi
	done
done
