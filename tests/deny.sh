#!/usr/bin/env bash
# Checks what deny.toml says of all dependencies: licences, sources, doubles.
#
# The first run compiles cargo-deny, which takes some minutes, and keeps it below target/tools.
# Advisories are not checked: their database is a Git repository, which not every network lets through.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.20.2
target=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
tools=$target/tools
if [ "$("$tools/bin/cargo-deny" --version 2>/dev/null)" != "cargo-deny $version" ]; then
    echo "Installing cargo-deny $version into ${tools#"$PWD/"} (once) …" >&2
    # It runs for a second: optimised, it would take longer to build than it ever saves.
    CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=off \
        cargo install --quiet --locked --root "$tools" --target-dir "$tools/build" "cargo-deny@$version"
    rm -rf "$tools/build"
fi
cargo fetch --quiet --locked
exec "$tools/bin/cargo-deny" --offline --locked check --hide-inclusion-graph licenses bans sources
