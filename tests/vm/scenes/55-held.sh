# A token held by another program that waits for a touch: the next program says so, and continues afterwards.
aws_files alice /home/alice/.aws alice
plug_in 1
until_it_is_so at_desktop alice aws-mfa-key tokens
at_desktop alice aws-mfa-key code alice >/tmp/code &
until_it_is_so is yes order 1 waiting
at_desktop alice aws-mfa-key accounts list >/tmp/list 2>/tmp/said &
until_it_is_so same_face held-by-another-program alice 11111111 0 /tmp/said
is ok order 1 touch
wait %1
code=0
wait %2 || code=$?
same_face held-by-another-program alice 11111111 "$code" /tmp/said
grep --extended-regexp '^[0-9]{6}$' /tmp/code >/dev/null
grep robot@123456789012 /tmp/list
# Exclusive use by another program is reported after one second.
another_program
tell_it exclusive
it_did 1
code=0
at_desktop alice aws-mfa-key login alice 2>/tmp/said || code=$?
same_face held-for-itself alice 11111111 "$code" /tmp/said
expect 1 "another program is using Yubico YubiKey" at_desktop alice aws-mfa-key doctor alice
tell_it leave
it_did 2
expect 0 "YubiKey 11111111" at_desktop alice aws-mfa-key doctor alice
pull_out 1
