# The agent at a desktop: a session as soon as there is a token, and none without one, where that is wanted.
aws_files alice /home/alice/.aws robot
systemctl_of alice enable --now aws-mfa-key-agent.service
plug_in 1
until_it_is_so at_desktop alice aws-mfa-key status robot
is active systemctl_of alice is-active aws-mfa-key-agent.service
pull_out 1
expect 0 robot-mfa at_desktop alice aws-mfa-key status robot
systemctl_of alice show --property StatusText --value aws-mfa-key-agent.service
systemctl_of alice disable --now aws-mfa-key-agent.service
is success systemctl_of alice show --property Result --value aws-mfa-key-agent.service
at_desktop alice aws-mfa-key logout robot
