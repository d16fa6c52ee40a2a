"""Tells whose keys a Python client of AWS finds for each of many files.

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

    # As its `--profile` does; it has no command that tells.
    session = create_clidriver().session
    session.set_config_variable("profile", job["profile"])
    return found(session.get_credentials())


def cli2(job):
    from awscli.clidriver import create_clidriver

    # A note of its own, in which profile it has been.
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
        except Exception as error:  # any way to fail is an answer
            answers.append({"error": f"{type(error).__name__}: {error}"})
    json.dump(answers, sys.stdout)


main()
