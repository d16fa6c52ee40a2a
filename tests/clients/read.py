"""Prints the keys that one of AWS's Python clients finds in each of many files.

usage: read.py boto3|cli1|cli2  <JOBS  >ANSWERS
JOBS: [{"credentials": PATH, "config": PATH, "profile": NAME}, …]; ANSWERS, in the same order: {"id", "secret", "token"},
or {"error"}.
"""

import contextlib
import io
import json
import os
import sys


def found(keys):
    if keys is None:
        return {"error": "no credentials"}
    keys = keys.get_frozen_credentials()
    return {"id": keys.access_key, "secret": keys.secret_key, "token": keys.token}


def boto3(job):
    import boto3

    return found(boto3.Session(profile_name=job["profile"]).get_credentials())


def cli1(job):
    from awscli.clidriver import create_clidriver

    # Equals `--profile`; CLI v1 has no command that prints the credentials.
    session = create_clidriver().session
    session.set_config_variable("profile", job["profile"])
    return found(session.get_credentials())


def cli2(job):
    from awscli.clidriver import create_clidriver

    # CLI v2 records the profiles it has visited in this variable; it must not carry over to the next job.
    os.environ.pop("_AWS_CLI_PROFILE_CHAIN", None)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = create_clidriver().main(
            ["configure", "export-credentials", "--format", "process", "--profile", job["profile"]]
        )
    if code != 0:
        return {"error": err.getvalue().strip()}
    keys = json.loads(out.getvalue())
    return {"id": keys["AccessKeyId"], "secret": keys["SecretAccessKey"], "token": keys.get("SessionToken")}


def main():
    client = {"boto3": boto3, "cli1": cli1, "cli2": cli2}[sys.argv[1]]
    answers = []
    for job in json.load(sys.stdin):
        os.environ["AWS_SHARED_CREDENTIALS_FILE"] = job["credentials"]
        os.environ["AWS_CONFIG_FILE"] = job["config"]
        try:
            answers.append(client(job))
        except Exception as error:  # every failure is an answer
            answers.append({"error": f"{type(error).__name__}: {error}"})
    json.dump(answers, sys.stdout)


main()
