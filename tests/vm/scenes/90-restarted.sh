# After a restart it is all there again: what was enabled gets its session as soon as there is a token.
expect 0 enabled systemctl is-enabled aws-mfa-key-agent.service
runuser --user aws-mfa-key -- env HOME=/var/lib/aws-mfa-key aws-mfa-key logout lab
not grep -q lab-mfa /var/lib/aws-mfa-key/.aws/credentials
systemctl start token@2
plug_in 2
until_it_is_so grep -q lab-mfa /var/lib/aws-mfa-key/.aws/credentials
expect 0 lab-mfa runuser --user aws-mfa-key -- env HOME=/var/lib/aws-mfa-key aws-mfa-key status lab
