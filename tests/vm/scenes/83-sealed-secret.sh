# No token at all: the secret is sealed to the machine, and the unit alone gets it.
aws_files aws-mfa-key /var/lib/aws-mfa-key/.aws lab
sed -i 's|^mfa_serial = .*|mfa_serial = arn:aws:iam::123456789012:mfa/machine\nmfa_key_source = secret:credential:aws-mfa-key.totp|' \
    /var/lib/aws-mfa-key/.aws/config
typed_and_answered alice 'systemd-ask-password -n | sudo systemd-creds encrypt - /etc/credstore.encrypted/aws-mfa-key.totp' \
    Password MFRGGZDFMZTWQ2LKMFRGGZDFMZTWQ2LK
not grep -q MFRGG /etc/credstore.encrypted/aws-mfa-key.totp
expect 0 "" systemctl start aws-mfa-key-login@lab.service
grep -q lab-mfa /var/lib/aws-mfa-key/.aws/credentials
journalctl --boot --output cat --unit aws-mfa-key-login@lab.service | tee /tmp/said
not grep -q MFRGG /tmp/said
# To others it is no secret source at all.
expect 0 "" as aws-mfa-key aws-mfa-key logout lab
expect 2 "" as aws-mfa-key aws-mfa-key login lab --non-interactive
expect 1 "aws-mfa-key.totp" at_desktop alice sudo -H -u aws-mfa-key aws-mfa-key doctor lab
expect 0 "there is a secret that makes codes" systemd-run --quiet --pipe --wait --property User=aws-mfa-key \
    --property 'ImportCredential=aws-mfa-key.*' env HOME=/var/lib/aws-mfa-key aws-mfa-key doctor lab
rm /etc/credstore.encrypted/aws-mfa-key.totp
