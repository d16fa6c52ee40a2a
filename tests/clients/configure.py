"""Changes a credentials file in place again and again, as `aws configure set` does, until standard input ends.

usage: configure.py PATH  ->  how often
"""

import random
import select
import sys

from awscli.customizations.configure.writer import ConfigFileWriter

rounds = 0
print("ready", flush=True)
while not select.select([sys.stdin], [], [], random.uniform(0, 0.05))[0]:
    rounds += 1
    ConfigFileWriter().update_config({"__section__": "theirs", "aws_session_token": f"round-{rounds}"}, sys.argv[1])
print(rounds)
