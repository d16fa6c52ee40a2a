#!/bin/sh
# Checks that packaging/identity names the publisher. Every script that publishes runs this check first.
#
# usage: packaging/check-identity.sh [COMMAND]
# COMMAND is the command that the error tells to run again [default: make publish].
set -eu
cd "$(dirname "$0")"

REPOSITORY="" MAINTAINER="" CONTACT=""
# shellcheck source=packaging/identity
. ./identity

missing=""
want() { # NAME VALUE PATTERN…: adds NAME to `missing` unless VALUE matches a pattern
    name=$1 value=$2
    shift 2
    for pattern in "$@"; do
        # shellcheck disable=SC2254 # it is a pattern
        case $value in $pattern) return ;; esac
    done
    missing="$missing${missing:+, }$name"
}
want REPOSITORY "$REPOSITORY" "https://?*"
want MAINTAINER "$MAINTAINER" "?* <?*@?*>"
want CONTACT "$CONTACT" "https://?*" "?*@?*"

if [ -n "$missing" ]; then
    cat >&2 <<END
error: nothing was published
cause: packaging/identity has placeholders or malformed values for $missing
 next: fill in the real values, commit them, then run \`${1:-make publish}\` again
END
    exit 1
fi
