# A locked token: its password is sealed to the machine, and only the unit can read it.
aws_files aws-mfa-key /var/lib/aws-mfa-key/.aws lab
is ok order 2 password correct horse
typed_and_answered alice 'sudo sh -c "systemd-ask-password -n | systemd-creds encrypt - /etc/credstore.encrypted/aws-mfa-key.password"' \
    Password 'correct horse'
not grep -q horse /etc/credstore.encrypted/aws-mfa-key.password
systemctl enable aws-mfa-key-login@lab.service
plug_in 2
until_it_is_so grep -q lab-mfa /var/lib/aws-mfa-key/.aws/credentials
until_it_is_so is inactive systemctl is-active aws-mfa-key-login@lab.service
is success systemctl show --property Result --value aws-mfa-key-login@lab.service
# Without the sealed password, the login fails: nobody can be asked.
rm /etc/credstore.encrypted/aws-mfa-key.password
expect 0 "" as aws-mfa-key aws-mfa-key logout lab
expect 1 "" systemctl start aws-mfa-key-login@lab.service
is 4 systemctl show --property ExecMainStatus --value aws-mfa-key-login@lab.service
until_it_is_so journal_says 'next: ' --unit aws-mfa-key-login@lab.service
expect 0 aws-mfa-key-login@lab.service typed alice 'systemctl --failed'
expect 1 "needs its OATH password, and nobody can be asked" at_desktop alice sudo -H -u aws-mfa-key aws-mfa-key doctor lab --non-interactive
systemctl reset-failed
is ok order 2 password
pull_out 2
