# The agent at a desktop: a session as soon as a token is plugged in, and, if configured, none without a token.
aws_files alice /home/alice/.aws robot
typed alice 'systemctl --user daemon-reload'
typed alice 'systemctl --user enable --now aws-mfa-key-agent.service'
plug_in 1
until_it_is_so at_desktop alice aws-mfa-key status robot
expect 0 "active (running)" typed alice 'systemctl --user status aws-mfa-key-agent.service'
until_it_is_so expect 0 robot typed alice 'journalctl --user --unit aws-mfa-key-agent.service'
expect 0 "robot@123456789012 on YubiKey 11111111" at_desktop alice aws-mfa-key doctor robot
pull_out 1
until_it_is_so expect 3 "no token" at_desktop alice aws-mfa-key tokens
expect 0 "1 of 1 sessions up to date" systemctl_of alice show --property StatusText --value aws-mfa-key-agent.service
expect 0 robot-mfa at_desktop alice aws-mfa-key status robot
# After a removal during a touch, the agent waits for the token, and asks for the touch again once it is back.
aws_files alice /home/alice/.aws alice
systemctl_of alice reload aws-mfa-key-agent.service
plug_in 1
until_it_is_so is yes order 1 waiting
pull_out 1
until_it_is_so expect 0 "alice waits for its token" systemctl_of alice show --property StatusText --value aws-mfa-key-agent.service
expect 1 "its token to be plugged in" at_desktop alice aws-mfa-key status alice
plug_in 1
until_it_is_so is yes order 1 waiting
is ok order 1 touch
until_it_is_so at_desktop alice aws-mfa-key status alice
pull_out 1
# With AWS_MFA_KEY_LOGOUT_ON_REMOVAL, the sessions end with the token.
aws_files alice /home/alice/.aws robot
systemctl_of alice set-environment AWS_MFA_KEY_LOGOUT_ON_REMOVAL=yes
systemctl_of alice restart aws-mfa-key-agent.service
plug_in 1
until_it_is_so at_desktop alice aws-mfa-key status robot
pull_out 1
until_it_is_so not grep -q robot-mfa /home/alice/.aws/credentials
expect 1 "no token is plugged in" at_desktop alice aws-mfa-key doctor robot
systemctl_of alice unset-environment AWS_MFA_KEY_LOGOUT_ON_REMOVAL
systemctl_of alice disable --now aws-mfa-key-agent.service
is success systemctl_of alice show --property Result --value aws-mfa-key-agent.service
