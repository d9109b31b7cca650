#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""count-tests.py DIR - prints "PASSED FAILED" for the last test run in DIR

Counts the tests inside of each program, as cmocka prints them; a program that
prints none, or fails without naming a test, counts as one.
"""
import glob
import json
import os
import re
import sys

logs = glob.glob(os.path.join(sys.argv[1], "meson-logs", "testlog*.json"))
if not logs:
    print("0 1")
    sys.exit(0)

passed = failed = 0
with open(max(logs, key=os.path.getmtime), encoding="utf-8") as log:
    for line in log:
        run = json.loads(line)
        ok = len(re.findall(r"^\[ +OK \]", run.get("stdout") or "", re.M))
        bad = len(re.findall(r"^\[ +FAILED +\] \w+$", run.get("stdout") or "", re.M))
        if run["result"] in ("SKIP", "IGNORED"):
            continue
        if run["result"] in ("OK", "EXPECTEDFAIL"):
            passed += max(ok, 1)
        else:
            passed += ok
            failed += max(bad, 1)
print(passed, failed)
