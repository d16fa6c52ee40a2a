# Each target installs its own prerequisites. `make` lists the targets.

.PHONY: help demo test test-vm bench deny install uninstall publish
help:
	@echo 'make demo       Show a login with a virtual token and a simulated AWS'
	@echo 'make test       Run all tests, with real pcscd, ykman, AWS CLI and boto3'
	@echo 'make test-vm    Test udev, systemd and polkit in an emulated Debian machine'
	@echo 'make bench      Measure speed, compared with the alternatives'
	@echo 'make deny       Check licences, sources and duplicates of all dependencies'
	@echo 'make install    Install program, manual and system files [PREFIX: /usr/local]'
	@echo 'make uninstall  Remove what `make install` installed'
	@echo 'make publish    Publish the crates (first fill in packaging/identity)'

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

# `make install` builds first, unless root installs what a user has built: `cargo build --release && sudo make install`.
export PREFIX DESTDIR PROGRAM POLKITDIR
install:
	@test -n "$(SUDO_USER)$(PROGRAM)" || cargo build --quiet --release --locked --package aws-mfa-key
	@udev/install.sh install

uninstall:
	@udev/install.sh uninstall

publish:
	@packaging/publish.sh
