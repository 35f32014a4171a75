# make run      everything, on this machine; PORT and ALLY_HOME move it
# make test     every test, with what they need
# make lint     style, types, import contracts, drift of the migrations
# make bench    how fast it is

PY := .venv/bin/python
NAMES := python3 python3.13 python3.12 python3.11 python3.14
FINE := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
NEWER := import sys; sys.exit(sys.version_info < (3, 11))

# What pytest is told; a file's tests stay together, since they share what is slow to start.
ARGS ?= -n auto --maxprocesses 4 --dist loadfile

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: run test lint bench clean reset

run: .venv/.run
	@$(PY) -m ally.dev.assets
	@$(PY) -m ally.dev.launch --with-parent

test: .venv/.dev
	@$(PY) -m ally.dev.assets --tests
	@CHROMIUM="$$($(PY) -m ally.dev.chromium)" && export CHROMIUM && $(PY) -m pytest $(ARGS)

lint: .venv/.dev
	@$(PY) -m ally.dev.lint

bench: .venv/.dev
	@$(PY) -m ally.dev.assets
	@$(PY) -m benchmarks

clean:
	rm -rf .venv node_modules static/vendor .pytest_cache .ruff_cache .mypy_cache .hypothesis

# Takes the database, the mails and the files with it.
reset:
	@printf 'This deletes %s with every conversation in it. Type yes to go on: ' "$${ALLY_HOME:-var}"; \
	read answer; test "$$answer" = yes || { echo 'Nothing was deleted.'; exit 1; }; \
	rm -rf "$${ALLY_HOME:-var}"

# The virtual env and what goes into it, again whenever the lists change

.venv/.run: requirements.txt requirements-run.txt | .venv/bin/pip
	@echo 'Installing requirements ...'
	@$(PY) -m pip install --quiet -r requirements-run.txt
	@touch $@

.venv/.dev: requirements.txt requirements-run.txt requirements-dev.txt | .venv/bin/pip
	@echo 'Installing requirements ...'
	@$(PY) -m pip install --quiet -r requirements-dev.txt
	@touch $@ .venv/.run

.venv/bin/pip:
	@for fit in '$(FINE)' '$(NEWER)'; do for name in $(NAMES); do \
	  if $$name -c "$$fit" 2>/dev/null; then found=$$name; break 2; fi; done; done; \
	if [ -z "$$found" ]; then \
	  echo 'Ally needs Python 3.11 or later: apt-get install python3, or brew install python.'; \
	  exit 1; fi; \
	if ! $$found -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo "Python's venv module is missing: apt-get install $$found-venv"; exit 1; fi; \
	echo 'Making the virtual env ...'; rm -rf .venv; $$found -m venv .venv
