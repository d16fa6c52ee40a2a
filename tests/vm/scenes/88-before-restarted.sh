# Preparation of the restart: the system's agent with a sealed secret, a login unit of alice's, and bob in the group.
systemctl stop aws-mfa-key-agent.service
aws_files aws-mfa-key /var/lib/aws-mfa-key/.aws lab
with_a_secret /var/lib/aws-mfa-key/.aws
aws_files alice /home/alice/.aws robot
[ -e /etc/credstore.encrypted/aws-mfa-key.totp ] ||
    printf MFRGGZDFMZTWQ2LKMFRGGZDFMZTWQ2LK | systemd-creds encrypt - /etc/credstore.encrypted/aws-mfa-key.totp
systemctl disable aws-mfa-key-login@lab.service
systemctl enable aws-mfa-key-agent.service
systemctl_of alice enable aws-mfa-key-login@robot.service
typed alice 'sudo usermod --append --groups aws-mfa-key USER' USER=bob
