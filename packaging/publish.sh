#!/bin/sh
# Publishes the workspace's crates, as they are in the last commit, with the repository that packaging/identity names.
#
# usage: packaging/publish.sh [OPTION…]
# Options go to `cargo publish` (--dry-run).
set -eu
cd "$(dirname "$0")/.."
packaging/check-identity.sh
# shellcheck source=packaging/identity
. packaging/identity

if [ -n "$(git status --porcelain)" ]; then
    cat >&2 <<END
error: nothing was published
cause: the working tree has changes that are not committed
 next: commit or stash them, then run \`make publish\` again
END
    exit 1
fi

# The manifests in the repository name no address, so those of a copy do.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git archive HEAD | tar -x -C "$copy"
for manifest in Cargo.toml hw/Cargo.toml; do
    sed -i "/^license\.workspace = true\$/a repository = \"$REPOSITORY\"" "$copy/$manifest"
    grep -q '^repository = ' "$copy/$manifest"
done
cargo publish --workspace --manifest-path "$copy/Cargo.toml" --target-dir "${CARGO_TARGET_DIR:-$PWD/target}" "$@"
