# A user without a desktop session may not use the token until an administrator adds the user to the group.
aws_files bob /home/bob/.aws robot
plug_in 1
until_it_is_so at_desktop alice aws-mfa-key tokens
expect 0 11111111 at_desktop alice aws-mfa-key tokens
expect 1 "the smart card service (pcscd) denies access to this user or session" as bob aws-mfa-key tokens
until_it_is_so journal_says 'NOT authorized for action: access_pcsc' --unit pcscd
expect 1 "without a desktop session, polkit has to allow access" as bob aws-mfa-key doctor robot
expect 1 'sudo usermod --append --groups aws-mfa-key "$(id -un)"' as bob aws-mfa-key doctor robot
typed alice 'sudo usermod --append --groups aws-mfa-key USER' USER=bob
expect 0 11111111 as bob aws-mfa-key tokens
expect 0 "there is no login session" as bob aws-mfa-key doctor robot
expect 0 AWS_SESSION_TOKEN= typed bob 'aws-mfa-key exec PROFILE -- JOB' PROFILE=robot JOB=env
gpasswd --delete bob aws-mfa-key
expect 1 "the smart card service (pcscd) denies access to this user or session" as bob aws-mfa-key tokens
pull_out 1
