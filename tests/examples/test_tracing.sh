#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_tracing.sh - three messages, and a trace that shows their way
. "$(dirname "$0")/lib.sh"
need python3
tools=$(cd "$tests/../tools" && pwd)

equal "the output" "$("$BUILD/examples/tracing" "$tmp/relays.trace")" \
	"Received message: Hello World!
Received message: Hello Mars!
Received message: End of transmission."
"$BUILD/tools/heph" trace convert "$tmp/relays.trace" >/dev/null ||
	fail "it cannot be converted"

PYTHONPATH=$tools python3 - "$tmp/relays.trace" "$tmp/relays.json" <<'END'
import json
import sys
import readtrace

events = readtrace.read(sys.argv[1])


def of(description):
    return [e for e in events if e["description"] == description]


def names(description, attribute):
    return {e["attributes"][attribute] for e in of(description)}


assert len(of("Receiving a message")) == 18
relayed = of("Relaying a message")
assert len(relayed) == 18
assert len({e["substream"] for e in relayed}) == 6
for e in relayed:
    assert e["end"] - e["start"] >= 1000000, e
    assert e["attributes"]["bytes"] == len(e["attributes"]["text"])
printed = of("Printing a message")
assert [e["attributes"]["line"] for e in printed] == ["1 of 3", "2 of 3", "3 of 3"]
assert printed[2]["attributes"]["message"] == "End of transmission."
assert len({e["stream"] for e in printed}) == 1 and printed[0]["stream"] > 1024
assert names("Running actor", "name") == {"relay", "printer"}
assert names("Initialised the worker thread", "stream") == {"worker 0", "worker 1"}
assert names("Initialised the thread of an actor", "stream") == {"own thread of printer"}
assert of("Building the runtime")[0]["attributes"]["worker_threads"] == 2
assert {e["attributes"]["id"] for e in of("Joining worker")} == {0, 1}
assert len(of("Joining the thread of an actor")) == 1
assert of("Scheduling actors based on timers")
assert of("Polling for OS events")

with open(sys.argv[2], encoding="utf-8") as file:
    converted = json.load(file)["traceEvents"]
shown = [e for e in converted if e["ph"] == "X"]
assert len(shown) == len(events)
processes = {e["args"]["name"] for e in converted if e["name"] == "process_name"}
assert processes == {"coordinator", "worker 0", "worker 1", "own thread of printer"}
threads = [e for e in converted if e["name"] == "thread_name"]
relays = {e["tid"] for e in threads if e["args"]["name"].startswith("relay ")}
assert len(relays) == 6
assert {e["tid"] for e in shown if e["name"] == "Relaying a message"} == relays
END

# A trace is a new file.
if "$BUILD/examples/tracing" "$tmp/relays.trace" >/dev/null 2>"$tmp/why"; then
	fail "it wrote over a trace"
fi
grep -q "relays.trace.*EEXIST" "$tmp/why" || fail "it says: $(cat "$tmp/why")"
