# After the restart, the enabled units get their sessions as soon as a token is plugged in.
expect 0 enabled systemctl is-enabled aws-mfa-key-agent.service
not grep -q lab-mfa /var/lib/aws-mfa-key/.aws/credentials
not grep -q robot-mfa /home/alice/.aws/credentials
systemctl start token@1 token@2
until_it_is_so grep -q machine-mfa /var/lib/aws-mfa-key/.aws/credentials
until_it_is_so alice_is_there
plug_in 1
until_it_is_so at_desktop alice aws-mfa-key status robot
expect 0 11111111 as bob aws-mfa-key tokens
plug_in 2
until_it_is_so grep -q lab-mfa /var/lib/aws-mfa-key/.aws/credentials
expect 0 lab-mfa at_desktop alice sudo -H -u aws-mfa-key aws-mfa-key status lab
expect 0 "lab@123456789012 on YubiKey 22222222" at_desktop alice sudo -H -u aws-mfa-key aws-mfa-key doctor lab
expect 0 "robot@123456789012 on YubiKey 11111111" at_desktop alice aws-mfa-key doctor robot
