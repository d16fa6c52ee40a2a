# No token at all: the secret is sealed to the machine, and the unit alone gets it.
aws_files aws-mfa-key /var/lib/aws-mfa-key/.aws lab
sed -i 's|^mfa_serial = .*|mfa_serial = arn:aws:iam::123456789012:mfa/machine\nmfa_key_source = secret:credential:aws-mfa-key.totp|' \
    /var/lib/aws-mfa-key/.aws/config
printf MFRGGZDFMZTWQ2LKMFRGGZDFMZTWQ2LK |
    systemd-creds encrypt --with-key=host - /etc/credstore.encrypted/aws-mfa-key.totp
not grep -q MFRGG /etc/credstore.encrypted/aws-mfa-key.totp
expect 0 "" systemctl start aws-mfa-key-login@lab.service
grep -q lab-mfa /var/lib/aws-mfa-key/.aws/credentials
journalctl --boot --output cat --unit aws-mfa-key-login@lab.service | tee /tmp/said
not grep -q MFRGG /tmp/said
# To others it is no secret source at all.
expect 0 "" runuser --user aws-mfa-key -- env HOME=/var/lib/aws-mfa-key aws-mfa-key logout lab
expect 2 "" runuser --user aws-mfa-key -- env HOME=/var/lib/aws-mfa-key aws-mfa-key login lab --non-interactive
rm /etc/credstore.encrypted/aws-mfa-key.totp
