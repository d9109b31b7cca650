#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_redis_parts.sh - the parser and the table of the Redis example, alone,
# with sanitizers
. "$(dirname "$0")/lib.sh"
cc=${CC:-cc}
need "$cc"

redis=$tests/../../examples/redis
"$cc" -std=gnu17 -g -O1 -Wall -Wextra -fsanitize=address,undefined \
	-fno-sanitize-recover=all -I"$redis" -o "$tmp/parts" \
	"$tests/redis_parts.c" "$redis"/{buf,hash,resp,table}.c
"$tmp/parts"
