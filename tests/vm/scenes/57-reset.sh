# A reset by another program, before and during a touch: the login succeeds, and the reset waits for its turn.
aws_files alice /home/alice/.aws alice
plug_in 1
until_it_is_so at_desktop alice aws-mfa-key tokens
another_program
tell_it shared
tell_it reset
it_did 2
expect 0 "YubiKey 11111111" at_desktop alice aws-mfa-key doctor alice
at_desktop alice aws-mfa-key login alice >/tmp/said 2>&1 &
login=$!
until_it_is_so is yes order 1 waiting
tell_it reset
sleep 1
it_did 2
is ok order 1 touch
code=0
wait $login || code=$?
same_face reset-by-another-program alice 11111111 "$code" /tmp/said
it_did 3
tell_it leave
it_did 4
# A reset by the kernel, as after a bad contact: the login sees a removal, but nobody has to plug the token in again.
at_desktop alice aws-mfa-key login alice --force >/tmp/said 2>&1 &
login=$!
until_it_is_so is yes order 1 waiting
python3 - "$(tokens_in_sysfs)" <<'END'
import fcntl, pathlib, sys
numbers = [int(pathlib.Path(sys.argv[1], name).read_text()) for name in ("busnum", "devnum")]
with open("/dev/bus/usb/{:03}/{:03}".format(*numbers), "wb") as device:
    fcntl.ioctl(device, ord("U") << 8 | 20)  # USBDEVFS_RESET
END
code=0
wait $login || code=$?
same_face pulled-out-during-a-touch alice 11111111 "$code" /tmp/said
until_it_is_so at_desktop alice aws-mfa-key tokens
expect 0 "YubiKey 11111111" at_desktop alice aws-mfa-key doctor alice
pull_out 1
