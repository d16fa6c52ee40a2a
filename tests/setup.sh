#!/usr/bin/env bash
# Installs what the tests and the demo need, and prints the folder with the Python clients.
#
# usage: tests/setup.sh [tests|vm]
# tests: also install what only the tests need, such as other shells, access control lists and a desktop keyring.
# vm: install what the emulated machine needs, and no Python clients.
# Missing system packages are installed with apt, by root or with sudo; without either, the script prints their names.
# Several instances may run at once: one installs, and the others wait for it.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }

need_rust() {
    local needed found
    needed=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    if ! command -v cargo >/dev/null; then
        say "Rust is not installed: there is no cargo in PATH. Install it from https://rustup.rs"
        say "If you have just installed it, open a new terminal or run: . ~/.cargo/env"
        exit 1
    fi
    found=$(cargo --version | cut -d' ' -f2)
    if ! printf '%s\n' "$needed" "$found" | sort -CV; then
        say "Rust $found is too old: version $needed or newer is needed. Run: rustup update stable (https://rustup.rs)"
        exit 1
    fi
}

packages=()
need() { # "PACKAGE…" TEST…: adds the packages to the list if the test fails
    local names=$1
    shift
    # shellcheck disable=SC2206 # one word for each package
    "$@" >/dev/null 2>&1 || packages+=($names)
}
c_compiler() { echo '#include <stdio.h>' | cc -E -x c -; }
python_venv() { /usr/bin/python3 -c 'import ensurepip, venv'; }
faketime_library() { compgen -G '/usr/lib*/faketime/libfaketime.so.1' || compgen -G '/usr/lib/*/faketime/libfaketime.so.1'; }
python_headers() { test -e "$(/usr/bin/python3 -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h"; }

# An installed qemu-utils must have the version of qemu-system-x86, so apt may have to downgrade it.
qemu_packages() {
    local version
    version=$(apt-cache policy qemu-system-x86 2>/dev/null | sed -n 's/^ *Candidate: //p')
    echo qemu-system-x86
    if dpkg-query --show qemu-utils >/dev/null 2>&1; then echo "qemu-utils=$version"; fi
}

need_packages() { # [tests|vm]
    need "gcc libc6-dev" c_compiler
    if [ "${1:-}" = vm ]; then
        need "$(qemu_packages)" command -v qemu-system-x86_64
        need debootstrap test -e /usr/sbin/debootstrap
        need debian-archive-keyring test -e /usr/share/keyrings/debian-archive-keyring.gpg
        need e2fsprogs test -x /usr/sbin/mke2fs
        local AWS_MFA_KEY_WITHOUT_VPCD=1
    else
        need python3-venv python_venv
    fi
    if [ "$(uname -s)" = Linux ]; then
        need pkg-config command -v pkg-config
        need libpcsclite-dev pkg-config --exists libpcsclite
    fi
    if [ -z "${AWS_MFA_KEY_WITHOUT_VPCD:-}" ]; then
        need pcscd test -x /usr/sbin/pcscd
        need vsmartcard-vpcd test -e /usr/lib/pcsc/drivers/serial/libifdvpcd.so
        need python3-dev python_headers
    fi
    if [ "${1:-}" = tests ]; then
        need faketime faketime_library
        need dbus-daemon command -v dbus-daemon
        need gnome-keyring command -v gnome-keyring-daemon
        need zsh command -v zsh
        need fish command -v fish
        need mandoc command -v mandoc
        need "openssh-server openssh-client" test -x /usr/sbin/sshd -a -x /usr/bin/ssh
        if [ "$(uname -s)" = Linux ]; then need acl command -v setfacl; fi
    fi
    if [ ${#packages[@]} -gt 0 ]; then install; fi
}

install() {
    local as_root=()
    if ! command -v apt-get >/dev/null; then
        say "Missing software; on Debian and Ubuntu, these packages have it: ${packages[*]}"
        say "On Fedora, the demo needs: dnf install gcc pkgconf-pkg-config pcsc-lite-devel python3"
        exit 1
    fi
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || only_by_root
        as_root=(sudo)
    fi
    say "Installing missing system packages: ${packages[*]}"
    if [[ " ${packages[*]} " == *" pcscd "* ]]; then
        say "(The tests run their own pcscd; the service in pcscd's package is not started.)"
    fi
    # Two instances of apt must not run at once.
    "${as_root[@]}" flock /var/lib/apt/lists sh -ec "$INSTALL" install "${packages[@]}" </dev/null >&2 || only_by_root
}

only_by_root() {
    say "Missing system packages could not be installed: ${packages[*]}"
    say "Run this as root, then try again: apt-get install --no-install-recommends ${packages[*]}"
    exit 1
}

# The part that runs as root. The tests and the demo run their own pcscd, so the service in pcscd's package must not start:
# while policy-rc.d exits with 101, packages start no service (see invoke-rc.d(8)).
INSTALL='
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    trap "rm -f $policy" EXIT
    trap "exit 130" INT TERM HUP
    printf "#!/bin/sh\nexit 101\n" >$policy
    chmod 755 $policy
fi
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq --yes --no-install-recommends --allow-downgrades -o DPkg::Lock::Timeout=600 install "$@" >/dev/null
'

need_clients() { # FOLDER
    local folder=$1 wanted
    wanted=$(cat tests/requirements.txt)
    # ykman needs a C compiler and headers to install, and only the virtual token needs ykman.
    if [ -n "${AWS_MFA_KEY_WITHOUT_VPCD:-}" ]; then wanted=$(grep ^awscli tests/requirements.txt); fi
    mkdir -p "$(dirname "$folder")"
    exec 9>"$folder.lock"
    if command -v flock >/dev/null; then flock 9; fi
    # A Python environment cannot be moved, and works with one version of Python only.
    wanted=$(printf '%s\n' "$folder" "$(/usr/bin/python3 --version)" "$wanted")
    if [ "$(cat "$folder/made-from" 2>/dev/null)" = "$wanted" ]; then return; fi
    if [[ $folder == *[[:space:]]* ]]; then
        say "Python programs do not run from a path with a space: $folder"
        say "Choose another folder, then try again: export AWS_MFA_KEY_TEST_ENV=/var/tmp/aws-mfa-key-test-env"
        exit 1
    fi
    say "Installing the clients from tests/requirements.txt into ${folder#"$PWD/"} (first run only)"
    rm -rf "$folder"
    /usr/bin/python3 -m venv "$folder" >&2
    # pip's cache would be in the user's home.
    printf '%s\n' "$wanted" | sed 1,2d |
        "$folder/bin/pip" install --quiet --disable-pip-version-check --no-cache-dir -r /dev/stdin >&2
    printf '%s\n' "$wanted" >"$folder/made-from"
}

need_rust
need_packages "${1:-}"
if [ "${1:-}" = vm ]; then exit; fi
clients=${AWS_MFA_KEY_TEST_ENV:-$PWD/target/test-env}
need_clients "$clients"
printf '%s\n' "$clients"
