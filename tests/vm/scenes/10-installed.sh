# The installed files are valid, and no unit runs yet.
udevadm verify /usr/local/lib/udev/rules.d/70-aws-mfa-key.rules
man --warnings --pager=cat --local-file /usr/local/share/man/man1/aws-mfa-key.1 >/tmp/page 2>/tmp/warnings
grep -q 'EXIT STATUS' /tmp/page
[ ! -s /tmp/warnings ] || fail "$(cat /tmp/warnings)"
bash -ic 'source /usr/local/share/bash-completion/completions/aws-mfa-key; complete -p aws-mfa-key' 2>/dev/null

# Checks a unit's exposure with systemd-analyze: 0 is fully sandboxed, 10 not at all. MOST is ten times the limit.
score() { # WHOSE MOST UNIT COMMAND…
    local score whose=$1 most=$2 unit=$3
    shift 3
    "$@" security --no-pager --threshold="$most" "$unit" >/tmp/security || fail "$(cat /tmp/security)"
    score=$(tail -1 /tmp/security)
    echo "note: $whose $unit ${score##*: }"
}
for unit in aws-mfa-key-agent.service aws-mfa-key-login@lab.service aws-mfa-key-inserted@dev.target; do
    said=$(systemd-analyze verify "$unit" 2>&1) || fail "$said"
    [ -z "$said" ] || fail "$said"
done
for unit in aws-mfa-key-agent.service aws-mfa-key-login@lab.service aws-mfa-key-logout@lab.service aws-mfa-key-inserted@dev.target; do
    said=$(at_desktop alice systemd-analyze --user verify "$unit" 2>&1) || fail "$said"
    [ -z "$said" ] || fail "$said"
done
score "the system's" 12 aws-mfa-key-agent.service systemd-analyze
score "the system's" 12 aws-mfa-key-login@lab.service systemd-analyze
score "a user's" 67 aws-mfa-key-agent.service at_desktop alice systemd-analyze --user
score "a user's" 67 aws-mfa-key-login@lab.service at_desktop alice systemd-analyze --user
score "a user's" 64 aws-mfa-key-logout@lab.service at_desktop alice systemd-analyze --user

if journalctl --boot --unit polkit --output cat | grep -i 'error.*aws-mfa-key'; then exit 1; fi
plug_in 1
target=$(systemd-escape --path --template aws-mfa-key-inserted@.target "$(tokens_in_sysfs)")
until_it_is_so is active systemctl is-active "$target"
until_it_is_so is active systemctl_of alice is-active "$target"
[ -z "$(systemctl show --property Wants --value "$target")" ]
[ -z "$(systemctl_of alice show --property Wants --value "$target")" ]
pull_out 1
until_it_is_so is inactive systemctl is-active "$target"
until_it_is_so is inactive systemctl_of alice is-active "$target"
