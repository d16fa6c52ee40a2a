# Without a token: the secret is sealed to the machine, and only the unit can read it.
aws_files aws-mfa-key /var/lib/aws-mfa-key/.aws lab
with_a_secret /var/lib/aws-mfa-key/.aws
typed_and_answered alice 'sudo sh -c "systemd-ask-password -n | systemd-creds encrypt - /etc/credstore.encrypted/aws-mfa-key.totp"' \
    Password MFRGGZDFMZTWQ2LKMFRGGZDFMZTWQ2LK
not grep -q MFRGG /etc/credstore.encrypted/aws-mfa-key.totp
expect 0 "" systemctl start aws-mfa-key-login@machine.service
grep -q machine-mfa /var/lib/aws-mfa-key/.aws/credentials
until_it_is_so journal_says machine-mfa --unit aws-mfa-key-login@machine.service
# Without a network, systemd starts the unit again later.
as aws-mfa-key aws-mfa-key logout machine
systemctl stop fake-aws
systemctl start --no-block aws-mfa-key-login@machine.service
until_it_is_so is 6 systemctl show --property ExecMainStatus --value aws-mfa-key-login@machine.service
systemctl start fake-aws
until_it_is_so grep -q machine-mfa /var/lib/aws-mfa-key/.aws/credentials
until_it_is_so is inactive systemctl is-active aws-mfa-key-login@machine.service
is success systemctl show --property Result --value aws-mfa-key-login@machine.service
journalctl --boot --output cat --unit aws-mfa-key-login@machine.service | tee /tmp/said
not grep -q MFRGG /tmp/said
# Outside of the unit, the secret is not available.
expect 0 "" as aws-mfa-key aws-mfa-key logout machine
expect 2 "" as aws-mfa-key aws-mfa-key login machine --non-interactive
expect 1 "aws-mfa-key.totp" at_desktop alice sudo -H -u aws-mfa-key aws-mfa-key doctor machine
expect 0 "there is a usable secret in" systemd-run --quiet --pipe --wait --property User=aws-mfa-key \
    --property 'ImportCredential=aws-mfa-key.*' env HOME=/var/lib/aws-mfa-key aws-mfa-key doctor machine
rm /etc/credstore.encrypted/aws-mfa-key.totp
