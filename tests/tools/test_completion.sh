#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What bash completes after `heph` is what the command lists.
set -eu
heph() { "$BUILD/tools/heph" "$@"; }
. "$SOURCE/share/bash-completion/heph"

# completes WORD... : the last word is what has been typed of one
completes() {
	COMP_WORDS=(heph "$@")
	COMP_CWORD=$#
	COMPREPLY=()
	_heph || true # compgen fails where there is nothing
}
completes d
[ "${COMPREPLY[*]}" = doctor ]
completes ''
for word in $(heph --help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
	[[ " ${COMPREPLY[*]} " = *" $word "* ]]
done
completes trace conv
[ "${COMPREPLY[*]}" = convert ]
completes doctor --sec
[ "${COMPREPLY[*]}" = --seccomp ]
completes ps no-such-thing
[ "${#COMPREPLY[@]}" = 0 ]
echo ok
