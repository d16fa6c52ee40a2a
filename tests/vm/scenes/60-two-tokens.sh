# Two tokens: both are listed, the one that has the account is used, and the second starts the unit that the first one
# could not serve.
aws_files alice /home/alice/.aws robot lab
systemctl_of alice enable aws-mfa-key-login@lab.service
plug_in 1
until_it_is_so is failed systemctl_of alice is-active aws-mfa-key-login@lab.service
plug_in 2
until_it_is_so at_desktop alice aws-mfa-key status lab
expect 0 22222222 at_desktop alice aws-mfa-key tokens
expect 0 11111111 at_desktop alice aws-mfa-key tokens
expect 0 robot-mfa at_desktop alice aws-mfa-key login robot
for text in "YubiKey 11111111, firmware" "YubiKey 22222222, firmware" "lab@123456789012 on YubiKey 22222222"; do
    expect 0 "$text" at_desktop alice aws-mfa-key doctor lab
done
pull_out 1
pull_out 2
at_desktop alice aws-mfa-key logout --all
systemctl_of alice disable aws-mfa-key-login@lab.service
