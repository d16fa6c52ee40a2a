#!/usr/bin/env bash
# Puts on this machine what the tests and the demo need, and prints the folder with the Python clients (its last line).
#
# usage: tests/setup.sh
# Missing system packages are installed by apt, as root or by sudo; as anybody else they are only named.
# Several may run at once: one of them does the work.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }

if ! command -v cargo >/dev/null; then
    say "Rust is missing. Its installer, rustup, is at https://rustup.rs; then: rustup toolchain install 1.95"
    exit 1
fi

packages=()
need() { # PACKAGE TEST…: the package is needed if the test fails
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || packages+=("$package")
}
debian_python() { /usr/bin/python3 -c 'import venv, ensurepip'; }

need gcc command -v cc
if [ "$(uname -s)" = Linux ]; then
    need pkg-config command -v pkg-config
    need libpcsclite-dev pkg-config --exists libpcsclite
fi
need python3-venv debian_python
if [ -z "${AWS_MFA_KEY_WITHOUT_VPCD:-}" ]; then
    need pcscd test -x /usr/sbin/pcscd
    need vsmartcard-vpcd test -e /usr/lib/pcsc/drivers/serial/libifdvpcd.so
    need python3-dev test -e "/usr/include/python$(/usr/bin/python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)/Python.h"
fi

if [ ${#packages[@]} -gt 0 ]; then
    if ! command -v apt-get >/dev/null; then
        say "These are missing, and only Debian's and Ubuntu's packages are known here: ${packages[*]}"
        exit 1
    fi
    as_root=()
    if [ "$(id -u)" != 0 ]; then
        if ! command -v sudo >/dev/null; then
            say "These packages are missing: ${packages[*]}"
            say "Let root run: apt-get install --no-install-recommends ${packages[*]}"
            exit 1
        fi
        as_root=(sudo)
    fi
    say "Installing the system packages that are missing: ${packages[*]}"
    "${as_root[@]}" apt-get update -qq >&2
    # A service of the system is none of our business: the tests start a pcscd of their own.
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -qq --yes --no-install-recommends "${packages[@]}" >&2
fi

clients=${AWS_MFA_KEY_TEST_ENV:-$PWD/target/test-env}
mkdir -p "$(dirname "$clients")"
exec 9>"$clients.lock"
if command -v flock >/dev/null; then flock 9; fi
wanted=$(cat tests/requirements.txt)
# ykman needs PC/SC's headers, and only the tests with a virtual token need ykman.
if [ -n "${AWS_MFA_KEY_WITHOUT_VPCD:-}" ]; then wanted=$(grep ^awscli tests/requirements.txt); fi
if [ "$(cat "$clients/made-from" 2>/dev/null)" != "$wanted" ]; then
    say "Installing the clients in tests/requirements.txt into ${clients#"$PWD/"} (once)"
    rm -rf "$clients"
    /usr/bin/python3 -m venv "$clients" >&2
    printf '%s\n' "$wanted" >"$clients/wanted"
    "$clients/bin/pip" install --quiet --disable-pip-version-check -r "$clients/wanted" >&2
    mv "$clients/wanted" "$clients/made-from"
fi
printf '%s\n' "$clients"
