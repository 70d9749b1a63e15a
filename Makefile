# Two commands: `make study` runs the main job, `make test` runs every check.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
# Marks of what is installed; made anew when the project's files change.
BASE := $(VENV)/.installed
TESTS := $(VENV)/.installed-tests
DOCS := $(VENV)/.installed-docs

.PHONY: study test lint types unit fuzz mutants docs notebooks screenshots clean

study: $(BASE)
	$(BIN)/normwise study circles

# Types are checked on one core only, so the tests begin beside them.
test: lint
	$(MAKE) --jobs 2 types unit

lint: $(TESTS)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(TESTS)
	$(BIN)/mypy

unit: $(TESTS)
	$(BIN)/python -m pytest -n 2 --dist worksteal

# Examples that the tests have not seen yet; what fails is printed with the line that repeats it.
fuzz: $(TESTS)
	$(BIN)/python -m pytest -n 2 --dist worksteal -m hypothesis --hypothesis-profile=fuzz

# Faults planted one at a time; hours for all parts. Only some: make mutants PART='normwise.engine.kernels.sums*'
mutants: $(TESTS)
	$(PIP) --editable '.[mutants]'
	KERAS_BACKEND=jax $(BIN)/mutmut run $(PART)

# The docs as a site, in site/; whatever Sphinx warns of is an error.
docs: $(DOCS)
	$(BIN)/python docs/website/build.py site

# The notebooks of the docs, executed again: what their cells show is stored in them.
notebooks: $(TESTS)
	KERAS_BACKEND=jax $(BIN)/python docs/notebooks/make.py

# What docs/report.md shows; needs Debian's chromium.
screenshots: $(TESTS)
	KERAS_BACKEND=jax $(BIN)/python docs/screenshots.py

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(BASE): pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable .
	@touch $@

$(TESTS): pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable '.[test]'
	@touch $@ $(BASE) $(DOCS)

$(DOCS): pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable '.[docs]'
	@touch $@ $(BASE)

clean:
	rm -rf $(VENV) mutants site normwise-out .pytest_cache .mypy_cache .ruff_cache
