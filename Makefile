# `make demo` and `make test` do all the set-up that they need; `make` alone lists what there is.

VENV := .venv
TOOLS := .venv-tools
PYTHON ?=
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# What comes from an index must have a hash that locks/ names, and be a wheel: so nothing is built but the package itself,
# by tools that are locked too. A torch that is in .venv already, or that lies on this machine (pip's find-links), is taken
# as it is, if its version is right: builds for one kind of processor save gigabytes.
LOCKED := $(PIP) install --require-hashes --only-binary :all: --no-deps
LOCKS := constraints.txt $(wildcard locks/*.txt)
define torch
	@$(1)/bin/python -m pip --disable-pip-version-check install --quiet --no-index --no-deps -c constraints.txt torch 2>/dev/null || \
		$(1)/bin/python -m pip install --require-hashes --only-binary :all: --no-deps -r locks/torch.txt
endef
define install
	$(call torch,$(VENV))
	$(LOCKED) -r locks/$(1).txt
	$(PIP) install --no-deps --no-build-isolation -e .
endef

# Debian packages that the tests need, installed by `make test` where it may: a screen in memory, and what Qt loads to
# show a window on it. Without one of them Qt ends the process, and blames libxcb-cursor0 whichever it is.
SYSTEM_PACKAGES := xvfb xauth libgl1 libegl1 libdbus-1-3 libglib2.0-0 libfontconfig1 libxkbcommon-x11-0 \
	libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0

# The tests of the plugin open real windows, on Linux on that screen. QT_API=pyqt6 tries the other binding.
QT_API ?= pyside6
SCREEN := $(if $(filter Linux,$(shell uname -s)),xvfb-run -a -s "-screen 0 1600x1000x24")
PYTEST := $(BIN)/python -m pytest
# The tests without a window run in a process for each core. pytest loads these two plugins by itself, and napari and Qt
# with them, which only the tests in a window need.
PLAIN := -n auto --dist worksteal -p no:napari -p no:pytest-qt --ignore=tests/plugin
PYTEST_PLAIN := $(PYTEST) $(PLAIN)
PYTEST_WINDOW := QT_API=$(QT_API) PYTEST_QT_API=$(QT_API) NAPARI_STRICT_QT=raise $(SCREEN) $(PYTEST) tests/plugin

.DELETE_ON_ERROR:
.PHONY: help venv install demo screenshots bench test test-all test-lowest test-newest system-packages fuzz lint types \
	imports manifest format lock audit clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 18

# ---- set-up: each step leaves a file behind, and is done again only when what it rests on has changed ----

$(VENV)/pyvenv.cfg:
	@tools/make-venv $(VENV) $(PYTHON)

$(VENV)/.installed: $(VENV)/pyvenv.cfg pyproject.toml $(LOCKS)
	$(call install,demo)
	@touch $@

$(VENV)/.installed-tests: $(VENV)/pyvenv.cfg pyproject.toml $(LOCKS)
	$(call install,test)
	@touch $@ $(VENV)/.installed

venv: $(VENV)/pyvenv.cfg  ## make .venv (PYTHON=python3.12 picks the Python)

install: $(VENV)/.installed-tests  ## install the package, editable, and what the tests need

system-packages:
	@tools/need-packages $(SYSTEM_PACKAGES)

# ---- use ----

demo: $(VENV)/.installed  ## map the domains of the built-in sample scan; pictures in demo-output/
	$(BIN)/ghosthunter demo --out demo-output --overwrite

screenshots: system-packages $(VENV)/.installed-tests  ## make the pictures of docs/tutorial.md anew
	QT_API=$(QT_API) $(SCREEN) $(BIN)/python tools/screenshots.py

bench: system-packages $(VENV)/.installed-tests  ## print the table of docs/performance.md (some 15 min, 4 GB in TMPDIR)
	QT_API=$(QT_API) $(BIN)/python -m benchmarks

fuzz: $(VENV)/.installed-tests  ## fuzz our own parsers, a minute each, with atheris, which it installs (Linux only)
	$(PIP) install atheris
	@for target in labels points paper classes model bundle map shape hdr npy npz mrc ser tvips mib blo; do \
		$(BIN)/python -m fuzz $$target -max_total_time=$(or $(SECONDS),60) || exit 1; done

# ---- checks ----

test: system-packages lint types imports manifest  ## every check, and the tests but for the slow ones
	$(PYTEST_PLAIN) -m "not slow"
	$(PYTEST_WINDOW) -m "not slow"

test-all: system-packages lint types imports manifest  ## every check, and all tests
	$(PYTEST_PLAIN)
	$(PYTEST_WINDOW)

lint: $(VENV)/.installed-tests  ## style (ruff)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-tests  ## types (mypy, strict)
	$(BIN)/mypy

imports: $(VENV)/.installed-tests  ## which room may import which (import-linter)
	$(BIN)/lint-imports --no-logo

manifest: $(VENV)/.installed-tests  ## the napari plugin manifest
	$(BIN)/npe2 validate --imports napari-ghosthunter

test-lowest: $(TOOLS)/.installed  ## the plain tests with the oldest releases that pyproject.toml allows, in .venv-lowest
	tools/make-venv .venv-lowest $(PYTHON)
	$(TOOLS)/bin/python tools/lock.py --lowest .venv-lowest/bin/python > .venv-lowest/lowest.txt
	$(call torch,.venv-lowest)
	.venv-lowest/bin/python -m pip install --no-deps -r .venv-lowest/lowest.txt -e .
	.venv-lowest/bin/python -m pip check
	.venv-lowest/bin/python -m pytest $(PLAIN) -m "not slow"

test-newest:  ## the plain tests with what pip installs today, without any pin but torch's, in .venv-newest
	tools/make-venv .venv-newest $(PYTHON)
	$(call torch,.venv-newest)
	grep '^torch==' constraints.txt > .venv-newest/torch.txt
	.venv-newest/bin/python -m pip install --upgrade -c .venv-newest/torch.txt -e '.[plain]'
	.venv-newest/bin/python -m pip check
	.venv-newest/bin/python -m pytest $(PLAIN) -m "not slow"

format: $(VENV)/.installed-tests  ## put the code in shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# ---- what is installed: which versions, with which hashes ----

$(TOOLS)/.installed:
	@tools/make-venv $(TOOLS) $(PYTHON)
	$(TOOLS)/bin/python -m pip --disable-pip-version-check install uv==0.13.9 pip-audit==2.10.1
	@touch $@

lock: $(TOOLS)/.installed  ## write locks/ anew, after a change of pyproject.toml or constraints.txt
	$(TOOLS)/bin/python tools/lock.py

audit: $(TOOLS)/.installed  ## look for known weaknesses of what locks/ names (asks PyPI)
	$(TOOLS)/bin/pip-audit --strict --disable-pip --require-hashes -r locks/test.txt -r locks/torch.txt

clean:  ## remove what make has made, .venv too
	rm -rf $(VENV) .venv-tools .venv-lowest .venv-newest demo-output build dist
	rm -rf .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
