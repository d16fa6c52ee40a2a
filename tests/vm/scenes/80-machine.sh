# A machine that nobody logs in to: the system's unit gets a session in its sandbox, as a token is plugged in.
aws_files aws-mfa-key /var/lib/aws-mfa-key/.aws lab
systemctl enable aws-mfa-key-login@lab.service
plug_in 2
until_it_is_so grep -q lab-mfa /var/lib/aws-mfa-key/.aws/credentials
until_it_is_so is inactive systemctl is-active aws-mfa-key-login@lab.service
is success systemctl show --property Result --value aws-mfa-key-login@lab.service
ls -l /var/lib/aws-mfa-key /var/lib/aws-mfa-key/.aws
[ "$(stat --format '%U %a' /var/lib/aws-mfa-key/.aws/credentials)" = "aws-mfa-key 600" ]
runuser --user aws-mfa-key -- env HOME=/var/lib/aws-mfa-key aws-mfa-key logout lab
pull_out 2
