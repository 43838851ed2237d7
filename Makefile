# `make demo` and `make test` do all the set-up that they need; `make` alone lists what there is.

VENV := .venv
PYTHON ?=
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# Debian packages that the tests need, installed by `make test` where it may: a screen in memory, and what Qt loads to
# show a window on it. Without one of them Qt ends the process, and blames libxcb-cursor0 whichever it is.
SYSTEM_PACKAGES := xvfb xauth libgl1 libegl1 libdbus-1-3 libglib2.0-0 libfontconfig1 libxkbcommon-x11-0 \
	libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0

# The tests of the plugin open real windows, on Linux on that screen. QT_API=pyqt6 tries the other binding.
QT_API ?= pyside6
SCREEN := $(if $(filter Linux,$(shell uname -s)),xvfb-run -a -s "-screen 0 1600x1000x24")
PYTEST := $(BIN)/python -m pytest
# pytest loads these two by itself, and napari and Qt with them, which only the tests in a window need.
PYTEST_PLAIN := $(PYTEST) -p no:napari -p no:pytest-qt --ignore=tests/plugin
PYTEST_WINDOW := QT_API=$(QT_API) PYTEST_QT_API=$(QT_API) NAPARI_STRICT_QT=raise $(SCREEN) $(PYTEST) tests/plugin

.DELETE_ON_ERROR:
.PHONY: help venv install demo screenshots bench test test-all system-packages lint types imports manifest format clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 18

# ---- set-up: each step leaves a file behind, and is done again only when what it rests on has changed ----

$(VENV)/pyvenv.cfg:
	@tools/make-venv $(VENV) $(PYTHON)

$(VENV)/.installed: $(VENV)/pyvenv.cfg pyproject.toml constraints.txt
	$(PIP) install -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-tests: $(VENV)/pyvenv.cfg pyproject.toml constraints.txt
	$(PIP) install -c constraints.txt -e '.[test]'
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

format: $(VENV)/.installed-tests  ## put the code in shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## remove what make has made, .venv too
	rm -rf $(VENV) demo-output build dist .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
