# With the logout unit enabled, the session ends when the last token is removed.
aws_files alice /home/alice/.aws robot
typed alice 'systemctl --user enable aws-mfa-key-login@PROFILE.service aws-mfa-key-logout@PROFILE.service' PROFILE=robot
plug_in 1
until_it_is_so at_desktop alice aws-mfa-key status robot
plug_in 2
until_it_is_so expect 0 22222222 at_desktop alice aws-mfa-key tokens
pull_out 2
# The logout would have run by now, had the removal of the first token started it.
until_it_is_so is 1 at_desktop alice sh -c 'aws-mfa-key tokens --json | grep --only-matching serial | wc -l'
is active systemctl_of alice is-active aws-mfa-key-logout@robot.service
expect 0 robot-mfa at_desktop alice aws-mfa-key status robot
pull_out 1
until_it_is_so not grep -q robot-mfa /home/alice/.aws/credentials
expect 1 "there is no valid session" at_desktop alice aws-mfa-key doctor robot
until_it_is_so expect 0 "AWS session for profile robot" typed alice 'journalctl --user --unit aws-mfa-key-login@PROFILE.service' PROFILE=robot
typed alice 'systemctl --user disable aws-mfa-key-login@PROFILE.service aws-mfa-key-logout@PROFILE.service' PROFILE=robot
