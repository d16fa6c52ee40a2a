# The agent on an unattended machine, in its sandbox.
systemctl disable --now aws-mfa-key-login@lab.service
aws_files aws-mfa-key /var/lib/aws-mfa-key/.aws lab
with_a_secret /var/lib/aws-mfa-key/.aws
plug_in 2
typed alice 'sudo systemctl enable --now aws-mfa-key-agent.service'
until_it_is_so grep -q lab-mfa /var/lib/aws-mfa-key/.aws/credentials
is active systemctl is-active aws-mfa-key-agent.service
until_it_is_so expect 0 "1 of 2 sessions up to date" typed alice 'systemctl show --property ExecMainStatus,StatusText aws-mfa-key-agent.service'
until_it_is_so expect 0 lab-mfa typed alice 'sudo journalctl --unit aws-mfa-key-agent.service'
expect 0 "the session in profile lab-mfa is valid for another" at_desktop alice sudo -H -u aws-mfa-key aws-mfa-key doctor lab
# A job that requests its credentials as AWS's clients do.
cat >/tmp/job <<'END'
import json, os, urllib.request
token = {"Authorization": os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]}
request = urllib.request.Request(os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"], headers=token)
print(json.load(urllib.request.urlopen(request))["AccessKeyId"])
END
served=$(typed aws-mfa-key 'aws-mfa-key exec --serve PROFILE -- JOB' PROFILE=lab JOB='python3 /tmp/job')
grep "$served" /var/lib/aws-mfa-key/.aws/credentials
echo "note: $(($(systemctl show --property MemoryCurrent --value aws-mfa-key-agent.service) / 1024)) KiB in its group"
# The metrics file, in a folder outside of the sandbox, for Prometheus.
cd /home/alice/new
folder=/var/lib/prometheus/node-exporter
from_page metrics.conf | sed "s|FOLDER|$folder|" >metrics.conf
typed alice 'sudo install -d -o aws-mfa-key FOLDER' FOLDER=$folder
typed alice 'sudo install -D -m 644 metrics.conf /etc/systemd/system/aws-mfa-key-agent.service.d/metrics.conf'
typed alice 'sudo systemctl daemon-reload && sudo systemctl restart aws-mfa-key-agent.service'
until_it_is_so as bob grep 'session_ends_seconds{profile="lab"} [1-9]' $folder/aws-mfa-key.prom
rm -r /etc/systemd/system/aws-mfa-key-agent.service.d $folder
systemctl daemon-reload
# Without the token, the agent keeps running and says what it waits for.
pull_out 2
as aws-mfa-key aws-mfa-key logout lab
until_it_is_so expect 1 "lab" typed alice 'sudo -H -u aws-mfa-key aws-mfa-key status PROFILE' PROFILE=lab
is active systemctl is-active aws-mfa-key-agent.service
# A secret that is sealed while the agent runs.
not grep -q machine-mfa /var/lib/aws-mfa-key/.aws/credentials
typed_and_answered alice 'sudo sh -c "systemd-ask-password -n | systemd-creds encrypt - /etc/credstore.encrypted/aws-mfa-key.totp"' \
    Password MFRGGZDFMZTWQ2LKMFRGGZDFMZTWQ2LK
typed alice 'sudo systemctl restart aws-mfa-key-agent.service'
until_it_is_so grep -q machine-mfa /var/lib/aws-mfa-key/.aws/credentials
