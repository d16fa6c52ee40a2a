# A token removed during a touch: the unit fails and says why. Plugging the token in again starts the unit again.
aws_files alice /home/alice/.aws alice
systemctl_of alice enable aws-mfa-key-login@alice.service
plug_in 1
until_it_is_so is yes order 1 waiting
pull_out 1
until_it_is_so is failed systemctl_of alice is-active aws-mfa-key-login@alice.service
code=$(systemctl_of alice show --property ExecMainStatus --value aws-mfa-key-login@alice.service)
said_at_last() {
    journalctl --boot _SYSTEMD_USER_UNIT=aws-mfa-key-login@alice.service --output cat >/tmp/said
    same_face pulled-out-during-a-touch alice 11111111 "$code" /tmp/said
}
until_it_is_so said_at_last
not at_desktop alice aws-mfa-key status alice
plug_in 1
until_it_is_so is yes order 1 waiting
is ok order 1 touch
until_it_is_so at_desktop alice aws-mfa-key status alice
# While no token is plugged in, the session stays valid, but another login needs the token.
pull_out 1
expect 0 alice-mfa at_desktop alice aws-mfa-key status alice
until_it_is_so expect 3 "no token" at_desktop alice aws-mfa-key tokens
code=0
at_desktop alice aws-mfa-key login alice --force --non-interactive 2>/tmp/said || code=$?
same_face not-plugged-in alice 11111111 "$code" /tmp/said
expect 1 "no token is plugged in" at_desktop alice aws-mfa-key doctor alice
at_desktop alice aws-mfa-key logout alice
systemctl_of alice disable aws-mfa-key-login@alice.service
