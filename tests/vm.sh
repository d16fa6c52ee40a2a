#!/usr/bin/env bash
# Boots a Debian 13 machine under software emulation, with what `make install` installs, and shows what happens in it when
# tokens are plugged in and pulled out: kernel, udev, systemd, polkit, pcscd and libccid are real, the token is ours.
#
# usage: tests/vm.sh [SCENE…]: all of tests/vm/scenes, or those whose names contain one of the words
# What is downloaded is kept below target/vm, and used the next time. PROGRAM is another program than the one built here.
set -euo pipefail
cd "$(dirname "$0")/.."

tests/setup.sh vm
echo "Building. The first time this takes some minutes …"
if [ -z "${PROGRAM:-}" ]; then cargo build --quiet --release --locked --package aws-mfa-key; fi
cargo build --quiet --locked --package fake-aws --package virtual-token
target=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
folder=$target/vm
mkdir -p "$folder"
exec 9>"$folder/lock"
flock 9

machine=
clean_up() {
    # It ends with this script, however that ends.
    if [ -n "$machine" ]; then kill "$machine"; fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

as_root=()
if [ "$(id -u)" != 0 ]; then as_root=(sudo); fi
"${as_root[@]}" env PROGRAM="${PROGRAM:-$target/release/aws-mfa-key}" tests/vm/image.sh "$target" "$(id -u)" "$@"

# The second serial port has what the scenes say. The machine ends itself, after a restart when it is meant to.
boot() {
    : >"$folder/scenes"
    tail -f "$folder/scenes" --pid $$ &
    local tail=$!
    # What takes half an hour does not end any more; and it is not to outlive this script, should that be killed.
    setpriv --pdeathsig TERM timeout --foreground 1800 \
        nice qemu-system-x86_64 -machine q35 -cpu max -smp 2 -m 1024 -display none -no-reboot -net none \
        -kernel "$folder/vmlinuz" -initrd "$folder/initrd" -append "root=/dev/vda rw console=ttyS0 quiet" \
        -drive "file=$folder/disk,if=virtio,format=raw,cache=unsafe" \
        -serial "file:$folder/console" -serial "file:$folder/scenes" </dev/null &
    machine=$!
    wait "$machine" || echo "The machine did not end by itself." >&2
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
echo "$good scenes as they should be, $bad not; $((SECONDS - started)) s in the machine. All of it: ${folder#"$PWD/"}/all-scenes"
grep -q '^end$' "$folder/scenes" && [ "$bad" = 0 ] && [ "$good" -gt 0 ]
