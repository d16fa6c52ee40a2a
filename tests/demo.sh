#!/usr/bin/env bash
# Shows a login, from the touch to `aws s3 ls`, with a virtual token in its own pcscd and a simulated AWS on loopback.
# All files are in one temporary folder. The script removes the folder and stops its programs when it ends.
set -euo pipefail
cd "$(dirname "$0")/.."

token=virtual
if [ ! -e /usr/lib/pcsc/drivers/serial/libifdvpcd.so ] && ! command -v apt-get >/dev/null; then
    token=none
    export AWS_MFA_KEY_WITHOUT_VPCD=1
    echo "This system has no virtual smart card reader (vpcd): the demo uses a secret in a file instead of a token."
fi

clients=$(tests/setup.sh)
echo "Building (the first build takes a few minutes) …"
cargo build --quiet --release --package aws-mfa-key
cargo build --quiet --package fake-aws
if [ $token = virtual ]; then cargo build --quiet --package virtual-token; fi
target=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')

folder=$(mktemp -d "${TMPDIR:-/tmp}/aws-mfa-key-demo.XXXXXX")
pids=()
clean_up() {
    trap '' INT TERM HUP
    # Both programs end when their standard input is closed.
    exec 7>&- 8>&-
    for pid in "${pids[@]}"; do wait "$pid" || true; done
    rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

show() { # COMMAND…: prints the command as typed, then runs it
    printf '\n$ %s\n' "$*"
    "$@"
}
ready() { # FILE: waits until the program started last has written a line to it
    for _ in $(seq 600); do
        if [ -s "$1" ]; then return; fi
        kill -0 $! 2>/dev/null || break
        sleep 0.05
    done
    echo "The demo could not start one of its programs: $(cat "$1.err")" >&2
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

# From here on, the user's own home, profiles, endpoints and proxies are out of reach.
unset "${!AWS_@}" HTTP_PROXY HTTPS_PROXY ALL_PROXY http_proxy https_proxy all_proxy
export HOME=$folder AWS_CONFIG_FILE=$folder/config AWS_SHARED_CREDENTIALS_FILE=$folder/credentials
export AWS_MFA_KEY_STATE_DIR=$folder/state AWS_EC2_METADATA_DISABLED=true AWS_PAGER=
export PATH=$target/release:$clients/bin:$PATH

if [ $token = virtual ]; then
    "$target/debug/virtual-token" --account "Amazon Web Services:alice@123456789012" --secret-file "$folder/secret" \
        --touch --touch-after 2s <"$folder/token.in" >"$folder/token" 2>"$folder/token.err" 7>&- &
    pids+=($!)
    exec 8>"$folder/token.in"
    ready "$folder/token"
    PCSCLITE_CSOCK_NAME=$(sed -n 's/.*PCSCLITE_CSOCK_NAME=\([^ ]*\).*/\1/p' "$folder/token")
    export PCSCLITE_CSOCK_NAME
    echo "A virtual YubiKey is plugged in. In this demo, it gets its touch after two seconds."
else
    export AWS_MFA_KEY_SOURCE=secret:file:$folder/secret
fi

echo "Without MFA, AWS refuses the long-term key:"
if show aws s3 ls --profile demo 2>"$folder/refusal" || ! grep AccessDenied "$folder/refusal"; then
    echo "The demo failed: AWS did not refuse the request. $(cat "$folder/refusal")" >&2
    exit 1
fi
show aws-mfa-key login demo
show aws s3 ls --profile demo-mfa
printf '\nDone. No code was typed, and the demo leaves no files behind.\n'
