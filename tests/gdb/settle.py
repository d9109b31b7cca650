# SPDX-License-Identifier: MIT
# Goes on until all actors but the one at the breakpoint wait.
import gdb

for _ in range(1000):
    running = gdb.execute("heph actors -state running", to_string=True)
    if running.endswith("\n1 actor\n"):
        break
    gdb.execute("continue", to_string=True)
gdb.execute("set scheduler-locking on")
