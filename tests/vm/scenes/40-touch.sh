# With a touch: the token blinks as soon as it is plugged in, and the session is there when it was touched.
aws_files alice /home/alice/.aws alice
systemctl_of alice enable aws-mfa-key-login@alice.service
plug_in 1
until_it_is_so is yes order 1 waiting
not at_desktop alice aws-mfa-key status alice
is ok order 1 touch
until_it_is_so at_desktop alice aws-mfa-key status alice
is success systemctl_of alice show --property Result --value aws-mfa-key-login@alice.service
pull_out 1
at_desktop alice aws-mfa-key logout alice
systemctl_of alice disable aws-mfa-key-login@alice.service
