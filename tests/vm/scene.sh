# What the scenes have at hand. Each runs in a shell of its own, and has failed if a command of it has.
set -euo pipefail

fail() { # WORDS
    echo "$*"
    exit 1
}

not() { # COMMAND…
    if "$@"; then
        echo "This should not be so: $*"
        return 1
    fi
}

# Waits until a command succeeds; a machine under emulation is slow, and more so on a machine that is busy.
until_it_is_so() { # COMMAND…
    local - end=$((SECONDS + 120))
    set +x
    while [ $SECONDS -lt $end ]; do
        # What gives up in it does not end the scene.
        if ("$@") >/dev/null 2>&1; then return; fi
        sleep 0.25
    done
    echo "It did not come to this within two minutes: $*"
    set -x
    "$@"
}

# What a command says, and its exit code, are as they should be.
expect() { # CODE TEXT COMMAND…
    local code=0 wanted=$1 text=$2 said
    shift 2
    said=$("$@" 2>&1) || code=$?
    printf '$ %s\n%s\n(exit code %s)\n' "$*" "$said" "$code"
    [ "$code" = "$wanted" ] || fail "expected exit code $wanted"
    [[ $said == *"$text"* ]] || fail "expected: $text"
}

# What the journal of this start has by now.
journal_says() { # TEXT WORDS…
    [[ $(journalctl --boot --output cat "${@:2}") == *"$1"* ]]
}

# What was said, and the exit code, are those of the same fault in a virtual reader (tests/e2e/real_stack/login.rs).
same_face() { # FACE PROFILE SERIAL CODE FILE
    local wanted
    wanted=$(sed "s/PROFILE/$2/; s/SERIAL/$3/; s/^exit code .*//" "faces/$1.txt")
    [[ $(cat "$5") == *"$wanted"* ]] || fail "expected: $wanted"
    grep --line-regexp "exit code $4" "faces/$1.txt"
}

order() { # TOKEN WORDS…: what the token answers
    local out=/run/token/$1/out before
    before=$(wc -l <"$out")
    # A token that is not there would be waited for.
    timeout 60 sh -c 'echo "$1" >"$2"' order "${*:2}" "/run/token/$1/in"
    until_it_is_so eval '[ "$(wc -l <'"$out"')" -gt '"$before"' ]'
    tail -1 "$out"
}

is() { # WANTED COMMAND…
    [ "$("${@:2}")" = "$1" ]
}

# How many tokens udev has told a systemd of; where that cannot be asked, it is no number. (What is woken by a token has begun
# then; the token's target is reached when it has ended.)
tokens_told_to() { # SYSTEMCTL…
    local list
    if list=$("$@" list-units --plain --no-legend --state plugged 'sys-devices-platform-vhci_hcd*.device'); then
        grep --count . <<<"$list" || true
    fi
}

# The system knows of as many tokens, and so does alice's own systemd.
told_of() { # HOW MANY
    is "$1" tokens_told_to systemctl && is "$1" tokens_told_to systemctl_of alice
}

plug_in() { # TOKEN
    local before
    before=$(tokens_in_sysfs | wc -l)
    usbip --tcp-port "324$1" attach --remote 127.0.0.1 --busid 1-1
    until_it_is_so told_of $((before + 1))
}

# Where tokens are, in sysfs.
tokens_in_sysfs() {
    local file
    for file in /sys/bus/usb/devices/*/idVendor; do
        if [ "$(cat "$file")" = 1050 ]; then readlink --canonicalize "${file%/*}"; fi
    done
}

pull_out() { # TOKEN
    local before
    before=$(tokens_in_sysfs | wc -l)
    is ok order "$1" remove
    until_it_is_so told_of $((before - 1))
    is ok order "$1" insert
}

# As somebody who came over the network: without a desktop, and without anything of root's.
as() { # USER COMMAND…
    local user=$1 home
    shift
    home=$(getent passwd "$user" | cut --delimiter : --fields 6)
    runuser --user "$user" -- env --ignore-environment --chdir "$home" HOME="$home" PATH=/usr/local/bin:/usr/bin:/bin "$@"
}

# As somebody who sits at the machine.
at_desktop() { # USER COMMAND…
    local user=$1
    shift
    systemd-run --quiet --user --machine "$user@" --same-dir --pipe --wait --collect -- "$@" </dev/null
}

# What stands in a file of that name, as a page of the README shows it.
from_page() { # FILE
    sed -n "/^# $1\$/,/^\`\`\`/p" /opt/vm/README.md | grep -v '^`'
}

# What a page of the README says to type, as it stands there (tests/e2e/project/pages.rs looks that nothing is left out): alice at the
# desktop, others without one. A WORD in it, such as PROFILE, stands for a VALUE.
typed() { # USER COMMAND [WORD=VALUE…]
    local user=$1 command=$2 word how=at_desktop
    shift 2
    for word; do command=${command//"${word%%=*}"/"${word#*=}"}; done
    if [ "$user" != alice ]; then how=as; fi
    "$how" "$user" bash -c "$command"
}

# The same in a terminal, where the answer is typed as soon as the question stands there.
typed_and_answered() { # USER COMMAND QUESTION ANSWER
    at_desktop "$1" python3 /opt/vm/on_a_terminal.py "[[\"$3\", \"$4\\n\"]]" /bin/bash -c "$2"
}

# Another program that uses the token, until the scene ends.
another_program() {
    rm -f /tmp/another-program
    mkfifo /tmp/another-program
    python3 another_program.py YubiKey <>/tmp/another-program >/tmp/its-answers &
    trap "kill $!" EXIT
}

tell_it() { # WORD
    echo "$1" >/tmp/another-program
}

# It did all that it was told.
it_did() { # HOW MUCH
    until_it_is_so eval '[ "$(grep --count . /tmp/its-answers)" = '"$1"' ]'
    not grep --invert-match --line-regexp ok /tmp/its-answers
}

# Alice sits at the machine, in another session than before.
alice_is_there() { # [SESSION]
    local session
    session=$(loginctl show-user alice --property Display --value)
    [ -n "$session" ] && [ "$session" != "${1:-}" ] && is active loginctl show-session "$session" --property State --value
}

systemctl_of() { # USER WORDS…
    systemctl --user --machine "$1@" "${@:2}"
}

# AWS's two files of somebody, with profiles that have the names of users there.
aws_files() { # USER FOLDER PROFILE…
    local user=$1 folder=$2 profile key
    shift 2
    install --directory --owner "$user" --group "$user" --mode 700 "$folder"
    : >"$folder/config"
    : >"$folder/credentials"
    for profile in "$@"; do
        printf '[profile %s]\nregion = eu-central-1\nendpoint_url = http://127.0.0.1:8080\nmfa_serial = %s\n\n' \
            "$profile" "arn:aws:iam::123456789012:mfa/$profile" >>"$folder/config"
        key=$(long "${profile^^}" 15)
        printf '[%s]\naws_access_key_id = AKIA%s1\naws_secret_access_key = %s\n\n' \
            "$profile" "$key" "$(long "$profile" 40)" >>"$folder/credentials"
    done
    chmod 600 "$folder/credentials"
    chown "$user:$user" "$folder"/*
}

# The key of alice's session as robot.
key_of_session() {
    sed -n '/^\[robot-mfa\]/,$ s/^aws_access_key_id *= *//p' /home/alice/.aws/credentials
}

has_another_session() { # KEY
    local key
    key=$(key_of_session)
    [ -n "$key" ] && [ "$key" != "$1" ]
}

# A profile beside that of the user lab, with an MFA device of its own, whose secret is to be sealed to the machine.
with_a_secret() { # FOLDER
    local config credentials
    config=$(sed 's/^\[profile lab\]/[profile machine]/; s|^mfa_serial = .*|mfa_serial = arn:aws:iam::123456789012:mfa/machine|' "$1/config")
    credentials=$(sed 's/^\[lab\]/[machine]/' "$1/credentials")
    printf '%s\nmfa_key_source = secret:credential:aws-mfa-key.totp\n' "$config" >>"$1/config"
    echo "$credentials" >>"$1/credentials"
}

long() { # WORD LENGTH: the word, again and again
    local - text=
    set +x
    while [ ${#text} -lt "$2" ]; do text+=$1; done
    echo "${text:0:$2}"
}
