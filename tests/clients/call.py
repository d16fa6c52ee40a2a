"""Asks AWS who one is, with boto3 and the keys of $AWS_PROFILE, once for each line that comes in.

Each answer is a line: {"arn", "expires", "account"} (seconds since 1970), or {"error"}.
"""

import json
import sys

import boto3

session = boto3.Session()


def call():
    try:
        arn = session.client("sts").get_caller_identity()["Arn"]
        keys = session.get_credentials()
        # What is for everybody would ask again for a session that is nearly over.
        return {"arn": arn, "expires": int(keys._expiry_time.timestamp()), "account": keys._account_id}
    except Exception as error:  # any way to fail is an answer
        return {"error": f"{type(error).__name__}: {error}"}


# Nobody but us reads our input: a process that we start could, and must not.
for _ in sys.stdin:
    print(json.dumps(call()), flush=True)
