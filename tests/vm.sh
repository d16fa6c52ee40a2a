#!/usr/bin/env bash
# Boots Debian 13 in an emulated machine with the files of `make install`, and tests what happens when tokens are plugged in
# and pulled out. Kernel, udev, systemd, polkit, pcscd and libccid are real; the token is virtual.
#
# usage: tests/vm.sh [SCENE…]
# Runs the scenes in tests/vm/scenes whose names contain one of the words, or all of them.
# Downloads are kept in target/vm for the next run. PROGRAM names a program to test instead of building one.
set -euo pipefail
cd "$(dirname "$0")/.."

tests/setup.sh vm
echo "Building (the first build takes a few minutes) …"
if [ -z "${PROGRAM:-}" ]; then cargo build --quiet --release --locked --package aws-mfa-key; fi
cargo build --quiet --locked --package fake-aws --package virtual-token
target=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
folder=$target/vm
mkdir -p "$folder"
exec 9>"$folder/lock"
flock 9

machine=
clean_up() {
    # The machine must not outlive this script.
    if [ -n "$machine" ]; then kill "$machine"; fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

as_root=()
if [ "$(id -u)" != 0 ]; then as_root=(sudo); fi
"${as_root[@]}" env PROGRAM="${PROGRAM:-$target/release/aws-mfa-key}" tests/vm/image.sh "$target" "$(id -u)" "$@"

# Runs the machine until it powers off. Its second serial port carries the output of the scenes.
boot() {
    : >"$folder/scenes"
    tail -f "$folder/scenes" --pid $$ &
    local tail=$!
    # A run of half an hour is stuck. setpriv stops the machine even if this script is killed.
    setpriv --pdeathsig TERM timeout --foreground 1800 \
        nice qemu-system-x86_64 -machine q35 -cpu max -smp 2 -m 1024 -display none -no-reboot -net none \
        -kernel "$folder/vmlinuz" -initrd "$folder/initrd" -append "root=/dev/vda rw console=ttyS0 quiet" \
        -drive "file=$folder/disk,if=virtio,format=raw,cache=unsafe" \
        -serial "file:$folder/console" -serial "file:$folder/scenes" </dev/null &
    machine=$!
    wait "$machine" || echo "The machine did not power off, and was stopped." >&2
    machine=
    sleep 1
    kill $tail
    wait $tail 2>/dev/null || true
    cat "$folder/scenes" >>"$folder/all-scenes"
}

: >"$folder/all-scenes"
started=$SECONDS
boot
if grep -q '^restart$' "$folder/scenes"; then boot; fi
good=$(grep -c '^ok ' "$folder/all-scenes" || true)
bad=$(grep -c '^FAILED ' "$folder/all-scenes" || true)
echo "$good scenes passed, $bad failed, in $((SECONDS - started)) s. Full output: ${folder#"$PWD/"}/all-scenes"
grep -q '^end$' "$folder/scenes" && [ "$bad" = 0 ] && [ "$good" -gt 0 ]
