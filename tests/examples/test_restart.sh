#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_restart.sh - two restarts, then no more; and what the log says of them
. "$(dirname "$0")/lib.sh"

equal "the output" "$("$BUILD/examples/restart" 2>"$tmp/log")" \
	"Hello"$'\n'"Hello again"$'\n'"And once more"$'\n'"It is gone."

why='err=ENOTRECOVERABLE note="restart.c:29: cannot print more than one"'
sed -i -E '/msg="driver is /d; s/ts=[^ ]+ //; s/ (actor_)?id=[0-9]+//g; s/ target=heph.verdict / /' "$tmp/log"
equal "the log" "$(cat "$tmp/log")" \
"level=warn msg=\"actor failed, restarting it\" actor=print left=1 max=2 $why
level=warn msg=\"actor failed, restarting it\" actor=print left=0 max=2 $why
level=warn msg=\"actor failed, no restarts left\" actor=print $why"
