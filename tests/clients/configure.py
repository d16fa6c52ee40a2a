"""Rewrites a credentials file in place again and again, as `aws configure set` does, until stdin ends.

usage: configure.py PATH
Prints the number of rounds, and how many of them took longer than the writer under test watches the file (50 ms).
"""

import random
import select
import sys
import time

from awscli.customizations.configure.writer import ConfigFileWriter

rounds = late = 0
print("ready", flush=True)
while not select.select([sys.stdin], [], [], random.uniform(0, 0.05))[0]:
    rounds += 1
    begun = time.monotonic()
    ConfigFileWriter().update_config({"__section__": "theirs", "aws_session_token": f"round-{rounds}"}, sys.argv[1])
    late += time.monotonic() - begun > 0.05
print(rounds, late)
