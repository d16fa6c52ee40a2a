# Plugging in a token starts the unit that alice has enabled, which gets a session without a touch. Plugging in again
# renews it.
aws_files alice /home/alice/.aws robot
systemctl_of alice enable aws-mfa-key-login@robot.service
expect 1 "no token is plugged in" at_desktop alice aws-mfa-key doctor robot
plug_in 1
until_it_is_so at_desktop alice aws-mfa-key status robot
expect 0 "robot@123456789012 on YubiKey 11111111, needs no touch" at_desktop alice aws-mfa-key doctor robot
expect 0 "the session in profile robot-mfa is valid for another" at_desktop alice aws-mfa-key doctor robot
until_it_is_so is inactive systemctl_of alice is-active aws-mfa-key-login@robot.service
is success systemctl_of alice show --property Result --value aws-mfa-key-login@robot.service
pull_out 1
expect 0 robot-mfa at_desktop alice aws-mfa-key status robot
# A session that expires soon is renewed.
first=$(key_of_session)
[ -n "$first" ]
sed -i "s/^x_security_token_expires *=.*/x_security_token_expires = $(date -u -d '+5 minutes' +%FT%TZ)/" /home/alice/.aws/credentials
expect 0 robot-mfa at_desktop alice aws-mfa-key status robot
plug_in 1
until_it_is_so has_another_session "$first"
expect 0 robot-mfa at_desktop alice aws-mfa-key status robot
until_it_is_so is inactive systemctl_of alice is-active aws-mfa-key-login@robot.service
pull_out 1
at_desktop alice aws-mfa-key logout robot
systemctl_of alice disable aws-mfa-key-login@robot.service
