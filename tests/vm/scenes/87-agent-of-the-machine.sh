# The agent on a machine that nobody logs in to, in its sandbox.
systemctl disable --now aws-mfa-key-login@lab.service
aws_files aws-mfa-key /var/lib/aws-mfa-key/.aws lab
plug_in 2
systemctl enable --now aws-mfa-key-agent.service
until_it_is_so grep -q lab-mfa /var/lib/aws-mfa-key/.aws/credentials
is active systemctl is-active aws-mfa-key-agent.service
journalctl --boot --unit aws-mfa-key-agent.service --output cat
echo "note: $(($(systemctl show --property MemoryCurrent --value aws-mfa-key-agent.service) / 1024)) KiB in its group"
pull_out 2
