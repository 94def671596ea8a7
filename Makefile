# Every target does its own set-up. All that is made stays in .venv; Debian packages are installed where something lacks.

PYTEST = .venv/bin/python -m pytest
FAST = not engine and not influxdb and not workqueue and not slow

.DEFAULT_GOAL = help
.PHONY: help run test check fast bench coverage clean

help: ## Show this
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

run: .venv/with-package ## Start planctond here and watch the pilots come; Ctrl-C ends all
	@tools/run

test: check .venv/with-parts ## Check, then run every test, those with a real Docker engine and a real InfluxDB too
	$(PYTEST)

check: .venv/with-tests ## Lint, formatting, types, and the rules of the architecture
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/mypy tools/engine
	.venv/bin/mypy tools/busybox-image
	$(PYTEST) -q tests/test_architecture.py

fast: .venv/with-tests ## Run the tests that need nothing but Python
	$(PYTEST) -m '$(FAST)'

bench: .venv/with-tests ## Measure planctond on a real engine beside two references
	tools/with-engine .venv/bin/python -m bench

coverage: .venv/with-parts ## Run every test and tell which lines none of them reached, in any process
	$(PYTEST) --cov --cov-report=term-missing

clean: ## Remove all that was made here
	rm -rf .venv build dist *.egg-info .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/with-package: pyproject.toml tools/venv
	@tools/venv
	@touch $@

.venv/with-tests: pyproject.toml tools/venv
	@tools/venv test
	@touch $@ .venv/with-package

# The real parts that tests talk to.
.venv/with-parts: .venv/with-tests tools/apt-install Makefile
	@tools/apt-install docker.io iptables iproute2 influxdb coop-computing-tools docker-registry victoria-metrics openssl tmux
	@touch $@
