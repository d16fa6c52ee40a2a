# Each target sets up what it needs by itself; `make` lists them.

.PHONY: help demo test test-vm bench deny install uninstall publish
help:
	@echo 'make demo       a login from the touch to `aws s3 ls`, with a virtual token and AWS on this machine'
	@echo 'make test       all tests, with a real pcscd, ykman, the AWS CLI and boto3'
	@echo 'make test-vm    a Debian machine under emulation: tokens plugged in and pulled out, udev, systemd, polkit'
	@echo 'make bench      how long things take, beside what one would use instead'
	@echo 'make deny       licences, sources and doubles of all dependencies; the first time it compiles cargo-deny'
	@echo 'make install    program, man page, completions, udev rule, systemd units, polkit rule; PREFIX is /usr/local'
	@echo 'make uninstall  takes exactly them away'
	@echo 'make publish    the crates, once packaging/identity says who publishes them'

demo:
	@tests/demo.sh

test:
	@tests/test.sh

test-vm:
	@tests/vm.sh

bench:
	@tests/bench.sh

deny:
	@tests/deny.sh

# `make install` builds, unless it is root who installs what somebody else has built: `cargo build --release && sudo make install`.
export PREFIX DESTDIR PROGRAM POLKITDIR
install:
	@test -n "$(SUDO_USER)$(PROGRAM)" || cargo build --quiet --release --locked --package aws-mfa-key
	@udev/install.sh install

uninstall:
	@udev/install.sh uninstall

publish:
	@packaging/publish.sh
