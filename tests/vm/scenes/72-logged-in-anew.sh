# A desktop login with the token plugged in: the unit gets its session even if it starts before alice's session is
# active.
aws_files alice /home/alice/.aws robot
systemctl_of alice enable aws-mfa-key-login@robot.service aws-mfa-key-logout@robot.service
plug_in 1
until_it_is_so at_desktop alice aws-mfa-key status robot
until_it_is_so is inactive systemctl_of alice is-active aws-mfa-key-login@robot.service
first=$(key_of_session)
[ -n "$first" ]
before=$(loginctl show-user alice --property Display --value)
loginctl terminate-user alice
until_it_is_so alice_is_there "$before"
# Checked as root: `at_desktop` would open another session of alice's.
until_it_is_so has_another_session "$first"
is active systemctl_of alice is-active aws-mfa-key-logout@robot.service
pull_out 1
until_it_is_so not grep -q robot-mfa /home/alice/.aws/credentials
systemctl_of alice disable aws-mfa-key-login@robot.service aws-mfa-key-logout@robot.service
