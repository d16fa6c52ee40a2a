#!/usr/bin/env bash
# Checks licences, sources and duplicates of all dependencies against deny.toml.
#
# The first run compiles cargo-deny into target/tools, which takes a few minutes.
# Advisories are not checked: their database is a Git repository, which some networks block.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.20.2
target=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
tools=$target/tools
if [ "$("$tools/bin/cargo-deny" --version 2>/dev/null)" != "cargo-deny $version" ]; then
    echo "Installing cargo-deny $version into ${tools#"$PWD/"} (first run only) …" >&2
    # cargo-deny runs for a second; an optimised build would cost more time than it saves.
    CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=off \
        cargo install --quiet --locked --root "$tools" --target-dir "$tools/build" "cargo-deny@$version"
    rm -rf "$tools/build"
fi
cargo fetch --quiet --locked
exec "$tools/bin/cargo-deny" --offline --locked check --hide-inclusion-graph licenses bans sources
