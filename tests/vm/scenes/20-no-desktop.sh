# Somebody without a desktop may not use the token, until an administrator lets their group.
plug_in 1
until_it_is_so at_desktop alice aws-mfa-key tokens
expect 0 11111111 at_desktop alice aws-mfa-key tokens
expect 1 "the smart card service refuses this user or session" as bob aws-mfa-key tokens
journalctl --boot --unit pcscd --output cat | grep 'NOT authorized for action: access_pcsc'
expect 1 "without a desktop session, polkit has to allow it" as bob aws-mfa-key doctor
usermod --append --groups aws-mfa-key bob
expect 0 11111111 as bob aws-mfa-key tokens
gpasswd --delete bob aws-mfa-key
expect 1 "the smart card service refuses this user or session" as bob aws-mfa-key tokens
pull_out 1
