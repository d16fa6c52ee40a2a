# What was installed is in order, and nothing of it does anything yet.
for file in $(cat /opt/vm/installed); do [ -f "$file" ]; done
udevadm verify /usr/local/lib/udev/rules.d/70-aws-mfa-key.rules
man --warnings --pager=cat --local-file /usr/local/share/man/man1/aws-mfa-key.1 >/tmp/page 2>/tmp/warnings
grep -q 'EXIT STATUS' /tmp/page
[ ! -s /tmp/warnings ] || fail "$(cat /tmp/warnings)"
bash -ic 'source /usr/local/share/bash-completion/completions/aws-mfa-key; complete -p aws-mfa-key' 2>/dev/null

systemd-sysusers
systemd-tmpfiles --create
for unit in aws-mfa-key-agent.service aws-mfa-key-login@lab.service aws-mfa-key-inserted@dev.target; do
    said=$(systemd-analyze verify "$unit" 2>&1) || fail "$said"
    [ -z "$said" ] || fail "$said"
done
for unit in aws-mfa-key-agent.service aws-mfa-key-login@lab.service aws-mfa-key-logout@lab.service aws-mfa-key-inserted@dev.target; do
    said=$(at_desktop alice systemd-analyze --user verify "$unit" 2>&1) || fail "$said"
    [ -z "$said" ] || fail "$said"
done
for unit in aws-mfa-key-agent.service aws-mfa-key-login@lab.service; do
    score=$(systemd-analyze security --no-pager "$unit" | tail -1)
    echo "note: $unit of the system${score##*service}"
    systemd-analyze security --no-pager --threshold=20 "$unit" >/tmp/security || fail "$(cat /tmp/security)"
    score=$(at_desktop alice systemd-analyze --user security --no-pager "$unit" | tail -1)
    echo "note: of a user${score##*service}"
done

if journalctl --boot --unit polkit --output cat | grep -i 'error.*aws-mfa-key'; then exit 1; fi
plug_in 1
target=$(systemd-escape --path --template aws-mfa-key-inserted@.target "$(tokens_in_sysfs)")
is active systemctl is-active "$target"
is active systemctl_of alice is-active "$target"
[ -z "$(systemctl show --property Wants --value "$target")" ]
[ -z "$(systemctl_of alice show --property Wants --value "$target")" ]
pull_out 1
not systemctl is-active "$target"
not systemctl_of alice is-active "$target"
