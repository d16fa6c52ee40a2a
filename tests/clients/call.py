"""Calls GetCallerIdentity once for each line on stdin, with boto3 and the keys of $AWS_PROFILE.

Each answer is a line: {"arn", "expires", "account"} (`expires` in seconds since 1970), or {"error"}.
"""

import json
import sys

import boto3

session = boto3.Session()


def call():
    try:
        arn = session.client("sts").get_caller_identity()["Arn"]
        keys = session.get_credentials()
        # The public attributes would refresh a session that is about to expire.
        return {"arn": arn, "expires": int(keys._expiry_time.timestamp()), "account": keys._account_id}
    except Exception as error:  # every failure is an answer
        return {"error": f"{type(error).__name__}: {error}"}


# A `credential_process` that boto3 starts inherits stdin, and must not read it.
for _ in sys.stdin:
    print(json.dumps(call()), flush=True)
