#!/usr/bin/env bash
# How long things take, beside what one would use instead.
#
# usage: tests/bench.sh [login] [quick] [code] [crowd] [many] [agent]
# Only the parts that are named, else all.
set -euo pipefail
cd "$(dirname "$0")/.."
clients=$(tests/setup.sh)
tests/clients/setup.sh "$clients"
export AWS_MFA_KEY_TEST_ENV=$clients
cargo build --quiet --release --package aws-mfa-key
target=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
export AWS_MFA_KEY_PROGRAM=$target/release/aws-mfa-key
# Only the program itself has to be optimised.
exec cargo bench --quiet --profile dev --package aws-mfa-key --bench figures -- "$@"
