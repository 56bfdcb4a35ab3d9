# Each target makes the environment first; once made, that takes a moment.
PYTHON ?= python3
PORT ?=
BIN := $(if $(filter Windows_NT,$(OS)),.venv/Scripts,.venv/bin)

.PHONY: venv lab test export freeze book bench faults

venv:
	@$(PYTHON) tools/venv.py

lab: venv
	@$(BIN)/python tools/lab.py $(PORT)

test: venv
	@$(BIN)/python tools/test.py

export: venv
	@$(BIN)/nbdev_export

# make freeze NB=nbs/02_autograd.ipynb (without NB: every notebook)
freeze: export
	@$(BIN)/python tools/freeze.py $(NB)
	@$(BIN)/nbdev_clean

# the course as web pages, in book/_build/html
book: venv
	@$(BIN)/python tools/book.py

# our speed against the peers' (ten quiet minutes; results in bench/results.md)
bench: venv
	@$(BIN)/python bench/run.py

# planted faults: what do the tests notice? (hours; the scores: bench/faults.md)
faults: venv
	@$(BIN)/python tools/faults.py
