#!/usr/bin/env bash
# Creates the disk of the virtual machine that tests/vm.sh boots. Runs as root.
#
# usage: tests/vm/image.sh TARGET USER [SCENE…]
# TARGET is cargo's target folder, USER the owner of the disk. PROGRAM (environment) is the program to install.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH=$PATH:/usr/sbin:/sbin
target=$1 owner=$2
shift 2
folder=$target/vm

packages=systemd-sysv,udev,dbus,dbus-user-session,libpam-systemd,pcscd,libccid,libpcsclite1,usbip
packages+=,linux-image-amd64,kmod,initramfs-tools,zstd,man-db,make,sudo,python3,python3-pyscard
base=$folder/base

make_base() {
    echo "Getting Debian 13's packages (once; some minutes) …"
    # A killed run leaves these mounted.
    for inner in proc sys; do
        if mountpoint --quiet "$base/$inner"; then umount "$base/$inner"; fi
    done
    rm -rf --one-file-system "$base" "$base.made-from"
    if ! debootstrap --force-check-gpg --variant=minbase --include="$packages" trixie "$base" >"$folder/debootstrap.log" 2>&1; then
        tail -5 "$folder/debootstrap.log" >&2
        exit 1
    fi
    rm -rf "$base"/var/cache/apt/archives/*.deb "$base"/var/lib/apt/lists/*
    echo machine >"$base/etc/hostname"
    # alice uses the desktop, bob does not.
    chroot "$base" useradd --create-home --shell /bin/bash alice
    chroot "$base" useradd --create-home --shell /bin/bash bob
    # Timers that would run maintenance jobs during the scenes.
    for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer man-db.timer; do
        ln -sf /dev/null "$base/etc/systemd/system/$unit"
    done
}
made_from=$(printf '%s' "$packages"; declare -f make_base)
if [ "$(cat "$base.made-from" 2>/dev/null)" != "$made_from" ]; then
    make_base
    printf '%s' "$made_from" >"$base.made-from"
fi

root=$folder/root
rm -rf "$root"
cp -a --reflink=auto "$base" "$root"
# The build results, laid out as in a checkout, for `make install`.
mkdir -p "$root/opt/source/target/release"
cp "$PROGRAM" "$root/opt/source/target/release/aws-mfa-key"
cp -r Makefile udev "$root/opt/source/"
mkdir "$root/opt/vm"
cp "$target/debug/virtual-token" "$target/debug/fake-aws" "$root/opt/vm/"
cp -r tests/vm/guest.sh tests/vm/scene.sh tests/vm/scenes tests/vm/faces "$root/opt/vm/"
cp README.md tests/another_program.py tests/e2e/harness/on_a_terminal.py "$root/opt/vm/"
cp -r tests/vm/etc/. "$root/etc/"
chmod 440 "$root/etc/sudoers.d/alice"
printf '%s\n' "$@" >"$root/opt/vm/wanted"
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -s ../scenes.service "$root/etc/systemd/system/multi-user.target.wants/scenes.service"

cp "$root"/boot/vmlinuz-* "$folder/vmlinuz"
cp "$root"/boot/initrd.img-* "$folder/initrd"
rm -f "$folder/disk"
if ! mke2fs -q -t ext4 -d "$root" "$folder/disk" 1800M >"$folder/mke2fs.log" 2>&1; then
    tail -5 "$folder/mke2fs.log" >&2
    exit 1
fi
rm -rf "$root"
chown "$owner" "$folder" "$folder"/{vmlinuz,initrd,disk}
