#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_redis_trace.sh - a trace of the server shows workers, actors, and calls
. "$(dirname "$0")/lib.sh"
need python3
heph=$BUILD/tools/heph

export HEPH_TRACE=$tmp/redis.trace
start redis 127.0.0.1:0 2
exec {client}<>"/dev/tcp/${address%:*}/$port"
for n in 1 2 3 4 5 6 7 8; do
	printf 'SET key%d value\r\nGET key%d\r\n' $n $n >&"$client"
	read -r line <&"$client"
	equal "the answer to SET" "$line" $'+OK\r'
	read -r line <&"$client"
	read -r line <&"$client"
	equal "the answer to GET" "$line" $'value\r'
done
printf 'DBSIZE\r\n' >&"$client"
read -r line <&"$client"
equal "the answer to DBSIZE" "$line" $':8\r'
exec {client}<&-
stop TERM

PYTHONPATH=$tests/../tools python3 -c "
import readtrace
assert len(readtrace.read('$tmp/redis.trace')) > 50"
"$heph" trace convert "$tmp/redis.trace" >/dev/null
python3 - "$tmp/redis.json" <<'END'
import json
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    data = json.load(file)
assert data["otherData"]["missing"] == data["otherData"]["damaged"] == 0
events = data["traceEvents"]
spans = [e for e in events if e["ph"] == "X"]
processes = {e["args"]["name"]: e["pid"] for e in events
             if e["name"] == "process_name"}
actors = {(e["pid"], e["tid"]): e["args"]["name"] for e in events
          if e["name"] == "thread_name" and e["tid"]}
workers = {pid for name, pid in processes.items() if name.startswith("worker ")}
assert workers and "coordinator" in processes, processes

runs = [e for e in spans if e["name"].startswith("Running actor ")]
assert {e["pid"] for e in runs} <= workers
for e in runs:
    assert actors[e["pid"], e["args"]["id"]] == f"{e['args']['name']} {e['args']['id']}"
kinds = {e["args"]["name"] for e in runs}
assert len(kinds) >= 2, kinds

# Who calls is shown as an actor, is one that ran, and so is who is called.
calls = [e for e in spans if e["name"].startswith("Calling ")]
assert len(calls) >= 1, {e["name"] for e in spans}
ids = {e["args"]["id"] for e in runs}
for e in calls:
    assert (e["pid"], e["tid"]) in actors, e
    assert e["args"]["to"] in ids, e

# What a worker does, it does one after the other.
for pid in workers:
    mine = sorted((e["ts"], e["ts"] + e["dur"]) for e in runs if e["pid"] == pid)
    for (_, before), (after, _) in zip(mine, mine[1:]):
        assert before <= after + 0.001, (before, after)
END
