# `make run` sets everything up and serves; `make test` sets everything up and runs every test.
# Each set-up step leaves a stamp and costs next to nothing when there is nothing to do.

.PHONY: run setup test check bench soak lock python-serve python-test parts-serve parts-test browser
.NOTPARALLEL:
# Without kept bytecode every start compiles a hundred packages anew.
unexport PYTHONDONTWRITEBYTECODE

python = .venv/bin/python
messages = $(patsubst %.po,%.mo,$(wildcard scheduler/translations/*/LC_MESSAGES/*.po))

run: python-serve parts-serve $(messages)
	@exec $(python) setup/serve.py

setup: python-test parts-test browser $(messages)

# One worker more than cores: tests wait for databases and browsers now and then.
workers = $$($(python) -c "import os; print(1 + len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else 1 + (os.cpu_count() or 1))")

test: setup check
	$(python) -m pytest -n $(workers) --dist loadfile --no-loadscope-reorder --ignore=tests/faults/test_workers.py --ignore=tests/soak

# The lints alone.
check: python-test
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	$(python) -m mypy
	.venv/bin/lint-imports --no-logo

bench: setup
	$(python) -m benchmarks

soak: setup
	EVERY_ENGINE=1 RACE_ROUNDS=100 SCHEMA_EXAMPLES=100 RUNS=500 REQUESTS=10000000 $(python) -m pytest -s tests/races tests/faults tests/soak tests/web

# After a change of pyproject.toml or package.json. No lock file names a host: whoever installs brings a registry.
compile = $(python) -m uv pip compile --quiet --generate-hashes --no-header --universal --python-version 3.11
lock: python-test
	$(compile) --group uv -o setup/requirements-uv.lock
	$(compile) --group node -o setup/requirements-node.lock
	$(compile) pyproject.toml -o requirements.lock
	$(compile) pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock
	@sh setup/lock_browser_parts.sh

python-serve:
	@sh setup/python.sh requirements.lock

python-test:
	@sh setup/python.sh requirements-dev.lock

parts-serve:
	@sh setup/browser_parts.sh serve

parts-test:
	@sh setup/browser_parts.sh test

browser: python-test
	@sh setup/browser.sh

%.mo: %.po
	@.venv/bin/pybabel --quiet compile --input-file=$< --output-file=$@
