#!/bin/sh
# Publishes the workspace's crates from the last commit, with the repository URL from packaging/identity.
#
# usage: packaging/publish.sh [OPTION…]
# Options are passed to `cargo publish`, such as --dry-run.
set -eu
cd "$(dirname "$0")/.."
packaging/check-identity.sh
# shellcheck source=packaging/identity
. packaging/identity

if [ -n "$(git status --porcelain)" ]; then
    cat >&2 <<END
error: nothing was published
cause: the working tree has uncommitted changes
 next: commit or stash them, then run \`make publish\` again
END
    exit 1
fi

# The manifests have no repository URL of their own: the URL is added to those in a copy.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git archive HEAD | tar -x -C "$copy"
for manifest in Cargo.toml hw/Cargo.toml; do
    sed -i "/^license\.workspace = true\$/a repository = \"$REPOSITORY\"" "$copy/$manifest"
    grep -q '^repository = ' "$copy/$manifest"
done
cargo publish --workspace --manifest-path "$copy/Cargo.toml" --target-dir "${CARGO_TARGET_DIR:-$PWD/target}" "$@"
