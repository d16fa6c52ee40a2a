#!/bin/sh
# Installs what was built, or takes exactly that away again. Nothing is enabled.
#
# usage: udev/install.sh install|uninstall
# PREFIX (/usr/local) is where it is to run, DESTDIR a folder to put all of it in (for packagers), PROGRAM what was built.
set -eu

# As seen from where it was called.
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
# Where polkit before version 124 looks for rules, there is only /usr and /etc.
etc=/etc/polkit-1/rules.d
polkit=${POLKITDIR:-$prefix/share/polkit-1/rules.d}
for folder in "$prefix" "$polkit"; do
    case $folder in
    /*) ;;
    *)
        echo "$folder does not begin with /: PREFIX and POLKITDIR are where it is to run." >&2
        exit 2
        ;;
    esac
done
# Debian's zsh has its own folder for what is below /usr.
zsh=$prefix/share/zsh/site-functions
if [ "$prefix" = /usr ] && [ -e /etc/debian_version ]; then zsh=/usr/share/zsh/vendor-completions; fi

# Each is called with a folder, a name, and what writes the file to stdout.
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

# What stands in /etc may have been edited, and is then not ours to replace or remove.
is_theirs() { # FOLDER NAME
    [ "$1" = "$etc" ] && [ -e "$DESTDIR$1/$2" ] && ! cmp -s "$2" "$DESTDIR$1/$2" || return 1
    echo "Kept: $DESTDIR$1/$2 is not as udev/$2 is here." >&2
}

put() { # FOLDER NAME COMMAND…
    if is_theirs "$1" "$2"; then return; fi
    folder=$DESTDIR$1 name=$2
    shift 2
    mode=644
    case $folder in */bin) mode=755 ;; esac
    mkdir -p "$folder"
    "$@" >"$work"
    # In one step, also where the program is running.
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

Installed, and nothing is enabled. To have sessions kept fresh at a workstation, as yourself:

    systemctl --user daemon-reload
    systemctl --user enable --now aws-mfa-key-agent.service

Or only a login as a token is plugged in: systemctl --user enable aws-mfa-key-login@PROFILE.service
On a machine without a desktop, let a group use the token, and have the system keep sessions:

    sudo systemd-sysusers && sudo systemd-tmpfiles --create && sudo systemctl daemon-reload
    sudo usermod --append --groups aws-mfa-key USER
    sudo systemctl enable --now aws-mfa-key-agent.service

README.md tells both from the beginning.
END
}

umask 022
case ${1:-} in
install)
    if [ ! -x "$program" ]; then
        echo "There is no $program: run \`cargo build --release --locked\` first, as yourself." >&2
        exit 1
    fi
    work=$(mktemp)
    trap 'rm -f "$work"' EXIT
    each put
    if [ -z "$DESTDIR" ]; then what_now; fi
    ;;
uninstall)
    each take_away
    # Where it was installed with another POLKITDIR than now.
    if [ "$polkit" != "$etc" ]; then take_away "$etc" 40-aws-mfa-key.rules; fi
    if [ -z "$DESTDIR" ]; then
        echo "Kept: the user and group aws-mfa-key, /var/lib/aws-mfa-key, and what you enabled (systemctl disable)."
    fi
    ;;
*)
    echo "usage: udev/install.sh install|uninstall" >&2
    exit 2
    ;;
esac
