"""Reads a credentials file again and again, as boto3 does, until stdin ends.

usage: watch.py PATH  ->  {"reads": N, "bad": ["why", …]}
A read is bad if the file cannot be parsed, if [long] is missing, or if a section has only a part of its session.
"""

import json
import select
import sys

from botocore.configloader import raw_config_parse

WHOLE = {"aws_access_key_id", "aws_secret_access_key", "aws_session_token", "mfa_key_owner", "mfa_key_mfa_serial"}


def fault(path):
    try:
        sections = raw_config_parse(path)
    except Exception as error:  # every failure is a bad read
        return f"{type(error).__name__}: {error}"
    if "long" not in sections:
        return "[long] is missing"
    parts = [name for name, keys in sections.items() if name != "long" and not WHOLE <= keys.keys()]
    return f"only a part of {parts}" if parts else None


reads, bad = 0, []
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    reads += 1
    why = fault(sys.argv[1])
    if why:
        bad.append(why)
print(json.dumps({"reads": reads, "bad": bad[:5]}))
