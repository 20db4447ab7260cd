PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: demo test clean

demo: .venv/installed  ## run the study of params.yaml, as committed the offline demo
	dvc repro
	@echo "The report is in reports/report.md"

test: .venv/installed  ## lint, format check, tests
	ruff check .
	ruff format --check .
	OMP_NUM_THREADS=1 pytest --numprocesses 2 --dist loadfile

clean:  ## remove all that the pipeline made, the reports excepted
	rm -rf checkpoints data/arrays data/labels data/packed data/raw data/sets data/text data/summary.json
	rm -rf data/text_encoders/*-standin metrics models predictions weights .dvc/cache .dvc/tmp

.venv/installed: requirements.lock
	@echo "Installing the environment into .venv; this takes a few minutes"
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	touch $@
