# The agent on a machine that nobody logs in to, in its sandbox.
systemctl disable --now aws-mfa-key-login@lab.service
aws_files aws-mfa-key /var/lib/aws-mfa-key/.aws lab
plug_in 2
typed alice 'sudo systemctl enable --now aws-mfa-key-agent.service'
until_it_is_so grep -q lab-mfa /var/lib/aws-mfa-key/.aws/credentials
is active systemctl is-active aws-mfa-key-agent.service
expect 0 ExecMainStatus=0 typed alice 'systemctl show --property ExecMainStatus,StatusText aws-mfa-key-agent.service'
expect 0 lab typed alice 'sudo journalctl --unit aws-mfa-key-agent.service'
expect 0 "the one in profile lab-mfa is good for another" at_desktop alice sudo -H -u aws-mfa-key aws-mfa-key doctor lab
# What a job is served, as AWS's clients would ask for it.
cat >/tmp/job <<'END'
import json, os, urllib.request
token = {"Authorization": os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]}
request = urllib.request.Request(os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"], headers=token)
print(json.load(urllib.request.urlopen(request))["AccessKeyId"])
END
served=$(typed aws-mfa-key 'aws-mfa-key exec --serve PROFILE -- JOB' PROFILE=lab JOB='python3 /tmp/job')
grep "$served" /var/lib/aws-mfa-key/.aws/credentials
echo "note: $(($(systemctl show --property MemoryCurrent --value aws-mfa-key-agent.service) / 1024)) KiB in its group"
pull_out 2
