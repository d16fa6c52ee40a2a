# An unattended machine: the system's unit gets a session in its sandbox as soon as a token is plugged in.
install --directory --owner alice /home/alice/new
cd /home/alice/new
key=$(long LAB 15)
from_page config >config
echo 'endpoint_url = http://127.0.0.1:8080' >>config
from_page credentials | sed "s/AKIA…/AKIA${key}1/; s/= …/= $(long lab 40)/" >credentials
typed alice 'sudo install -o aws-mfa-key -g aws-mfa-key -m 600 config credentials /var/lib/aws-mfa-key/.aws/'
systemctl enable aws-mfa-key-login@lab.service
plug_in 2
until_it_is_so grep -q lab-mfa /var/lib/aws-mfa-key/.aws/credentials
until_it_is_so is inactive systemctl is-active aws-mfa-key-login@lab.service
is success systemctl show --property Result --value aws-mfa-key-login@lab.service
ls -l /var/lib/aws-mfa-key /var/lib/aws-mfa-key/.aws
[ "$(stat --format '%U %a' /var/lib/aws-mfa-key/.aws/credentials)" = "aws-mfa-key 600" ]
expect 0 lab-mfa typed alice 'sudo -H -u aws-mfa-key aws-mfa-key status PROFILE' PROFILE=lab
expect 0 "lab@123456789012 on YubiKey 22222222" at_desktop alice sudo -H -u aws-mfa-key aws-mfa-key doctor lab
# No code is sent twice: a manual login right after the unit shares the unit's ledger.
as aws-mfa-key aws-mfa-key logout lab
is 1 sh -c 'find /var/lib/aws-mfa-key -name "*.json" | wc -l'
as aws-mfa-key aws-mfa-key login lab >/tmp/said 2>&1
not grep -i refused /tmp/said
is 1 sh -c 'find /var/lib/aws-mfa-key -name "*.json" | wc -l'
as aws-mfa-key aws-mfa-key logout lab
pull_out 2
