#!/usr/bin/env bash
# Measures speed, side by side with what users would pick instead.
#
# usage: tests/bench.sh [login] [quick] [code] [crowd] [many] [agent]
# Runs the named parts, or all of them.
set -euo pipefail
cd "$(dirname "$0")/.."
clients=$(tests/setup.sh)
tests/clients/setup.sh "$clients"
export AWS_MFA_KEY_TEST_ENV=$clients
cargo build --quiet --release --package aws-mfa-key
target=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
export AWS_MFA_KEY_PROGRAM=$target/release/aws-mfa-key
# The benchmark itself only waits for programs, so it is built without optimisation.
exec cargo bench --quiet --profile dev --package aws-mfa-key --bench figures -- "$@"
