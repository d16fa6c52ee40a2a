# What is enabled before the restart: the agent of the system, and a login of alice's.
aws_files aws-mfa-key /var/lib/aws-mfa-key/.aws lab
aws_files alice /home/alice/.aws robot
systemctl disable aws-mfa-key-login@lab.service
systemctl enable aws-mfa-key-agent.service
systemctl_of alice enable aws-mfa-key-login@robot.service
