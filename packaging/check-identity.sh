#!/bin/sh
# Fails as long as packaging/identity does not say who publishes this project. What publishes anything runs this first.
#
# usage: packaging/check-identity.sh [COMMAND]
# COMMAND (make publish) is what the error says to run again.
set -eu
cd "$(dirname "$0")"

REPOSITORY="" MAINTAINER="" CONTACT=""
# shellcheck source=packaging/identity
. ./identity

missing=""
want() { # NAME VALUE PATTERN…: the value has to match one of the patterns
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
cause: packaging/identity has only placeholders, or values of another form, for $missing
 next: write the real values there, commit them, then run \`${1:-make publish}\` again
END
    exit 1
fi
