#!/usr/bin/env bash
# Shows a login from the touch to `aws s3 ls`: a virtual token in a pcscd of its own, and AWS on this machine.
# Everything is below one temporary folder, and ends with this script.
set -euo pipefail
cd "$(dirname "$0")/.."

token=virtual
case $(uname -s) in
Linux) [ -e /usr/lib/pcsc/drivers/serial/libifdvpcd.so ] || command -v apt-get >/dev/null || token=none ;;
*) token=none ;;
esac
if [ $token = none ]; then
    echo "There is no virtual smart card reader (vpcd) for this system, so a secret in a file stands in for the token."
fi

if [ $token = none ]; then export AWS_MFA_KEY_WITHOUT_VPCD=1; fi
clients=$(tests/setup.sh)
echo "Building (the first time takes some minutes) …"
cargo build --quiet --release --package aws-mfa-key
cargo build --quiet --package fake-aws --package virtual-token
target=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')

folder=$(mktemp -d "${TMPDIR:-/tmp}/aws-mfa-key-demo.XXXXXX")
pids=()
clean_up() {
    # The input of both programs ends with this script, and they with their input; waiting makes that certain.
    exec 7>&- 8>&- || true
    for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
    rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

show() { # COMMAND…: as it would be typed, then what it does
    printf '\n\033[1m$ %s\033[0m\n' "$*"
    "$@"
}
ready() { # FILE: waits for a program's first line
    local i
    for i in $(seq 200); do
        [ -s "$1" ] && return
        sleep 0.05
    done
    echo "a program of the demo did not start: $(cat "$1.err")" >&2
    exit 1
}

umask 077
echo GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ >"$folder/secret"
mkfifo "$folder/aws.in" "$folder/token.in"
"$target/debug/fake-aws" --demo-user alice --account 123456789012 --profile demo --bucket touched-the-key \
    --seed-file "$folder/secret" --credentials-file "$folder/credentials" --config-file "$folder/config" \
    <"$folder/aws.in" >"$folder/aws" 2>"$folder/aws.err" &
pids+=($!)
exec 7>"$folder/aws.in"
ready "$folder/aws"

# From here on, nothing of the person's own: no home, no profile, no endpoint.
export HOME=$folder AWS_CONFIG_FILE=$folder/config AWS_SHARED_CREDENTIALS_FILE=$folder/credentials
export AWS_MFA_KEY_STATE_DIR=$folder/state AWS_EC2_METADATA_DISABLED=true AWS_PAGER=
unset "${!AWS_ENDPOINT@}" AWS_PROFILE AWS_DEFAULT_PROFILE AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN \
    AWS_REGION AWS_DEFAULT_REGION AWS_CA_BUNDLE AWS_MFA_SERIAL || true
export PATH=$target/release:$clients/bin:$PATH

if [ $token = virtual ]; then
    "$target/debug/virtual-token" --account "Amazon Web Services:alice@123456789012" --secret-file "$folder/secret" \
        --touch --touch-after 2s <"$folder/token.in" >"$folder/token" 2>"$folder/token.err" &
    pids+=($!)
    exec 8>"$folder/token.in"
    ready "$folder/token"
    PCSCLITE_CSOCK_NAME=$(sed -n 's/.*PCSCLITE_CSOCK_NAME=\([^ ]*\).*/\1/p' "$folder/token")
    export PCSCLITE_CSOCK_NAME
    echo "A virtual YubiKey is plugged in. In this demo it is touched after two seconds."
else
    export AWS_MFA_KEY_SOURCE=secret:file:$folder/secret
fi

echo "The long-term key alone is not enough:"
if show aws s3 ls --profile demo; then
    echo "that should have been refused" >&2
    exit 1
fi
show aws-mfa-key login demo
show aws s3 ls --profile demo-mfa
printf '\nThat was it: nothing typed, and nothing left behind on this machine.\n'
