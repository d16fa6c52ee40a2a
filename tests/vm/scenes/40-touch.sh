# An account with touch: the token blinks as soon as it is plugged in, and the session is written after the touch.
aws_files alice /home/alice/.aws alice
systemctl_of alice enable aws-mfa-key-login@alice.service
# The hook maps memory that is writable and executable, as JavaScript engines do (mmap is system call 9, and 7 its
# protection).
systemctl_of alice set-environment \
    AWS_MFA_KEY_ON_TOUCH='perl -e "print syscall(9, 0, 4096, 7, 34, -1, 0) == -1 ? qq(no) : qq(yes)" >>~/runs-code'
plug_in 1
until_it_is_so is yes order 1 waiting
not at_desktop alice aws-mfa-key status alice
is ok order 1 touch
until_it_is_so at_desktop alice aws-mfa-key status alice
is success systemctl_of alice show --property Result --value aws-mfa-key-login@alice.service
until_it_is_so grep -q yes /home/alice/runs-code
not grep no /home/alice/runs-code
systemctl_of alice unset-environment AWS_MFA_KEY_ON_TOUCH
expect 0 "alice@123456789012 on YubiKey 11111111, needs a touch" at_desktop alice aws-mfa-key doctor alice
pull_out 1
at_desktop alice aws-mfa-key logout alice
systemctl_of alice disable aws-mfa-key-login@alice.service
