#!/bin/sh
# Installs the program and its system files, or removes exactly those. Enables no unit.
#
# usage: udev/install.sh install|uninstall
# PREFIX is the folder that the program will run from [default: /usr/local], DESTDIR a staging folder for packagers, PROGRAM
# the program to install [default: the release build]. POLKITDIR is the folder for the polkit rule.
set -eu

# Resolves a path in the caller's folder, before this script leaves it.
absolute() { # PATH
    case $1 in
    "" | /*) printf '%s' "$1" ;;
    *) printf '%s' "$PWD/$1" ;;
    esac
}
DESTDIR=$(absolute "${DESTDIR:-}")
PROGRAM=$(absolute "${PROGRAM:-}")
cd "$(dirname "$0")/.."
program=${PROGRAM:-$(absolute "${CARGO_TARGET_DIR:-target}")/release/aws-mfa-key}
cd udev

prefix=${PREFIX:-/usr/local}
# polkit before version 124 reads rules in /usr/share and /etc only, not in /usr/local.
etc=/etc/polkit-1/rules.d
polkit=${POLKITDIR:-$prefix/share/polkit-1/rules.d}
for folder in "$prefix" "$polkit"; do
    case $folder in
    /*) ;;
    *)
        echo "$folder does not begin with /: PREFIX and POLKITDIR are absolute paths." >&2
        exit 2
        ;;
    esac
done
# Debian's zsh reads completions of packages from a folder of its own.
zsh=$prefix/share/zsh/site-functions
if [ "$prefix" = /usr ] && [ -e /etc/debian_version ]; then zsh=/usr/share/zsh/vendor-completions; fi

# Calls ACTION for each file, with its folder, its name, and a command that writes it to stdout.
each() { # ACTION
    "$1" "$prefix/bin" aws-mfa-key cat "$program"
    "$1" "$prefix/share/man/man1" aws-mfa-key.1 "$program" generate man
    "$1" "$prefix/share/bash-completion/completions" aws-mfa-key "$program" generate completions bash
    "$1" "$zsh" _aws-mfa-key "$program" generate completions zsh
    "$1" "$prefix/share/fish/vendor_completions.d" aws-mfa-key.fish "$program" generate completions fish
    "$1" "$prefix/lib/udev/rules.d" 70-aws-mfa-key.rules cat 70-aws-mfa-key.rules
    "$1" "$polkit" 40-aws-mfa-key.rules cat 40-aws-mfa-key.rules
    "$1" "$prefix/lib/sysusers.d" aws-mfa-key.conf cat sysusers.conf
    "$1" "$prefix/lib/tmpfiles.d" aws-mfa-key.conf cat tmpfiles.conf
    for of in system user; do
        for unit in aws-mfa-key-inserted@.target "$of"/*; do
            "$1" "$prefix/lib/systemd/$of" "${unit##*/}" sed "s|@bindir@|$prefix/bin|" "$unit"
        done
    done
}

# A rule in /etc that was edited belongs to the administrator: it is neither replaced nor removed.
is_theirs() { # FOLDER NAME
    [ "$1" = "$etc" ] && [ -e "$DESTDIR$1/$2" ] && ! cmp -s "$2" "$DESTDIR$1/$2" || return 1
    echo "Kept $DESTDIR$1/$2: it differs from udev/$2." >&2
}

put() { # FOLDER NAME COMMAND…
    if is_theirs "$1" "$2"; then return; fi
    folder=$DESTDIR$1 name=$2
    shift 2
    mode=644
    case $folder in */bin) mode=755 ;; esac
    mkdir -p "$folder"
    "$@" >"$work"
    # Replaced in one step, so a running program is not disturbed.
    install -m "$mode" "$work" "$folder/.$name.new"
    mv -f "$folder/.$name.new" "$folder/$name"
    echo "$folder/$name"
}

take_away() { # FOLDER NAME COMMAND…
    if [ -e "$DESTDIR$1/$2" ] && ! is_theirs "$1" "$2"; then
        rm "$DESTDIR$1/$2"
        echo "removed $DESTDIR$1/$2"
    fi
}

what_now() {
    cat <<END

Installed; no service is enabled. At a workstation, renew your sessions in the background (as yourself, not as root):

    systemctl --user daemon-reload
    systemctl --user enable --now aws-mfa-key-agent.service

Or log in only when a token is plugged in:

    systemctl --user enable aws-mfa-key-login@PROFILE.service

On a machine without a desktop, let a group use the token, and renew sessions as a system service:

    sudo systemd-sysusers && sudo systemd-tmpfiles --create && sudo systemctl daemon-reload
    sudo usermod --append --groups aws-mfa-key USER
    sudo systemctl enable --now aws-mfa-key-agent.service

README.md explains both step by step.
END
}

umask 022
case ${1:-} in
install)
    if [ ! -x "$program" ]; then
        echo "$program does not exist: first run \`cargo build --release --locked\` (as yourself, not as root)." >&2
        exit 1
    fi
    work=$(mktemp)
    trap 'rm -f "$work"' EXIT
    each put
    if [ -z "$DESTDIR" ]; then what_now; fi
    ;;
uninstall)
    each take_away
    # The rule may have been installed with another POLKITDIR.
    if [ "$polkit" != "$etc" ]; then take_away "$etc" 40-aws-mfa-key.rules; fi
    if [ -z "$DESTDIR" ]; then
        echo "Kept: the user and group aws-mfa-key, /var/lib/aws-mfa-key, and enabled units (systemctl disable)."
    fi
    ;;
*)
    echo "usage: udev/install.sh install|uninstall" >&2
    exit 2
    ;;
esac
