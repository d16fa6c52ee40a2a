# `make install` in the running system, as the README says; then `make uninstall`; then the installation for all later
# scenes.
cd /opt/source
typed alice 'sudo make install POLKITDIR=/etc/polkit-1/rules.d' >/tmp/said
[ -f /etc/polkit-1/rules.d/40-aws-mfa-key.rules ]
grep ^/ /tmp/said >/tmp/files
typed alice 'sudo make uninstall'
for file in $(cat /tmp/files); do [ ! -e "$file" ]; done

at_desktop alice sudo make install >/tmp/said
grep ^/ /tmp/said >/opt/vm/installed
for file in $(cat /opt/vm/installed); do [ -f "$file" ]; done
typed alice 'sudo systemd-sysusers && sudo systemd-tmpfiles --create && sudo systemctl daemon-reload'
typed alice 'systemctl --user daemon-reload'
[ "$(stat --format '%U %a' /var/lib/aws-mfa-key)" = "aws-mfa-key 700" ]
not as bob ls /var/lib/aws-mfa-key
expect 0 "Exit codes" typed alice 'aws-mfa-key --help'
