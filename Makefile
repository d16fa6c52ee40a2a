# Each target sets up what it needs by itself; `make` lists them.

.PHONY: help demo test bench
help:
	@echo 'make demo    a login from the touch to `aws s3 ls`, with a virtual token and AWS on this machine'
	@echo 'make test    all tests, with a real pcscd, ykman, the AWS CLI and boto3'
	@echo 'make bench   how long things take, beside what one would use instead'

demo:
	@tests/demo.sh

test:
	@tests/test.sh

bench:
	@tests/bench.sh
