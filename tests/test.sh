#!/usr/bin/env bash
# Checks formatting, lints and documentation, then runs all tests. Arguments are passed to `cargo test`.
set -euo pipefail
cd "$(dirname "$0")/.."
clients=$(tests/setup.sh tests)
tests/clients/setup.sh "$clients"
export AWS_MFA_KEY_TEST_ENV=$clients
cargo fmt --all --check
cargo clippy --quiet --workspace --all-targets -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc --quiet --workspace --no-deps --keep-going
exec cargo test --quiet --workspace --no-fail-fast "$@"
