# The session ends with the token, where that is wanted; with two tokens, with the last.
aws_files alice /home/alice/.aws robot
systemctl_of alice enable aws-mfa-key-login@robot.service aws-mfa-key-logout@robot.service
plug_in 1
until_it_is_so at_desktop alice aws-mfa-key status robot
plug_in 2
pull_out 2
expect 0 robot-mfa at_desktop alice aws-mfa-key status robot
pull_out 1
until_it_is_so not grep -q robot-mfa /home/alice/.aws/credentials
systemctl_of alice disable aws-mfa-key-login@robot.service aws-mfa-key-logout@robot.service
