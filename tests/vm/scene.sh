# Functions for the scenes. Each scene runs in a shell of its own and fails with its first failing command.
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

# Waits until a command succeeds, for two minutes at the longest: emulation is slow, even more so on a busy machine.
until_it_is_so() { # COMMAND…
    local - end=$((SECONDS + 120))
    set +x
    while [ $SECONDS -lt $end ]; do
        # In a subshell, so that `fail` or `exit` in the command does not end the scene.
        if ("$@") >/dev/null 2>&1; then return; fi
        sleep 0.25
    done
    echo "It did not come to this within two minutes: $*"
    set -x
    "$@"
}

# Checks a command's exit code, and that its output contains a text.
expect() { # CODE TEXT COMMAND…
    local code=0 wanted=$1 text=$2 said
    shift 2
    said=$("$@" 2>&1) || code=$?
    printf '$ %s\n%s\n(exit code %s)\n' "$*" "$said" "$code"
    [ "$code" = "$wanted" ] || fail "expected exit code $wanted"
    [[ $said == *"$text"* ]] || fail "expected: $text"
}

# Succeeds if the journal of this boot contains a text.
journal_says() { # TEXT WORDS…
    [[ $(journalctl --boot --output cat "${@:2}") == *"$1"* ]]
}

# Checks that output and exit code equal those of the same fault in a virtual reader (tests/e2e/real_stack/login.rs).
same_face() { # FACE PROFILE SERIAL CODE FILE
    local wanted
    wanted=$(sed "s/PROFILE/$2/; s/SERIAL/$3/; s/^exit code .*//" "faces/$1.txt")
    [[ $(cat "$5") == *"$wanted"* ]] || fail "expected: $wanted"
    grep --line-regexp "exit code $4" "faces/$1.txt"
}

order() { # TOKEN WORDS…: what the token answers
    local out=/run/token/$1/out before
    before=$(wc -l <"$out")
    # Opening the pipe of a token that is not running would block.
    timeout 60 sh -c 'echo "$1" >"$2"' order "${*:2}" "/run/token/$1/in"
    until_it_is_so eval '[ "$(wc -l <'"$out"')" -gt '"$before"' ]'
    tail -1 "$out"
}

is() { # WANTED COMMAND…
    [ "$("${@:2}")" = "$1" ]
}

# Prints how many tokens udev has reported to a systemd instance; nothing if systemd cannot be asked. At that time,
# units that a token starts have begun; the token's target is only reached when they have ended.
tokens_told_to() { # SYSTEMCTL…
    local list
    if list=$("$@" list-units --plain --no-legend --state plugged 'sys-devices-platform-vhci_hcd*.device'); then
        grep --count . <<<"$list" || true
    fi
}

# Succeeds if both the system's and alice's systemd know of this many tokens.
told_of() { # HOW MANY
    is "$1" tokens_told_to systemctl && is "$1" tokens_told_to systemctl_of alice
}

plug_in() { # TOKEN
    local before
    before=$(tokens_in_sysfs | wc -l)
    usbip --tcp-port "324$1" attach --remote 127.0.0.1 --busid 1-1
    until_it_is_so told_of $((before + 1))
}

# Prints the sysfs folder of each token.
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

# Runs a command as a user who came over the network: without a desktop session, and with none of root's environment.
as() { # USER COMMAND…
    local user=$1 home
    shift
    home=$(getent passwd "$user" | cut --delimiter : --fields 6)
    runuser --user "$user" -- env --ignore-environment --chdir "$home" HOME="$home" PATH=/usr/local/bin:/usr/bin:/bin "$@"
}

# Runs a command as a user who sits at the machine.
at_desktop() { # USER COMMAND…
    local user=$1
    shift
    systemd-run --quiet --user --machine "$user@" --same-dir --pipe --wait --collect -- "$@" </dev/null
}

# Prints a file shown on a page of the README.
from_page() { # FILE
    sed -n "/^# $1\$/,/^\`\`\`/p" /opt/vm/README.md | grep -v '^`'
}

# Runs a command of a README page as written (tests/e2e/project/pages.rs checks that no command is left out): for
# alice at the desktop, for other users without one. Each WORD in the command, such as PROFILE, is replaced by its
# VALUE.
typed() { # USER COMMAND [WORD=VALUE…]
    local user=$1 command=$2 word how=at_desktop
    shift 2
    for word; do command=${command//"${word%%=*}"/"${word#*=}"}; done
    if [ "$user" != alice ]; then how=as; fi
    "$how" "$user" bash -c "$command"
}

# Runs a command in a terminal, and types the answer once the question is shown.
typed_and_answered() { # USER COMMAND QUESTION ANSWER
    at_desktop "$1" python3 /opt/vm/on_a_terminal.py "[[\"$3\", \"$4\\n\"]]" /bin/bash -c "$2"
}

# Starts another program that uses the token, until the scene ends.
another_program() {
    rm -f /tmp/another-program
    mkfifo /tmp/another-program
    python3 another_program.py YubiKey <>/tmp/another-program >/tmp/its-answers &
    trap "kill $!" EXIT
}

tell_it() { # WORD
    echo "$1" >/tmp/another-program
}

# Waits until the other program has carried out this many orders without an error.
it_did() { # HOW MUCH
    until_it_is_so eval '[ "$(grep --count . /tmp/its-answers)" = '"$1"' ]'
    not grep --invert-match --line-regexp ok /tmp/its-answers
}

# Succeeds if alice has an active session at the machine, other than SESSION.
alice_is_there() { # [SESSION]
    local session
    session=$(loginctl show-user alice --property Display --value)
    [ -n "$session" ] && [ "$session" != "${1:-}" ] && is active loginctl show-session "$session" --property State --value
}

systemctl_of() { # USER WORDS…
    systemctl --user --machine "$1@" "${@:2}"
}

# Writes AWS's config and credentials files for a user, with profiles named after users in the simulated AWS.
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

# Prints the access key of alice's session for robot.
key_of_session() {
    sed -n '/^\[robot-mfa\]/,$ s/^aws_access_key_id *= *//p' /home/alice/.aws/credentials
}

has_another_session() { # KEY
    local key
    key=$(key_of_session)
    [ -n "$key" ] && [ "$key" != "$1" ]
}

# Adds a profile `machine` beside the profile of the user lab, with an MFA device of its own, whose secret will be
# sealed to the machine.
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
