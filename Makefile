PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)

SHELL := bash
.SHELLFLAGS := -o pipefail -c
JOBS = auto  # stages that run at once

PYTEST = OMP_NUM_THREADS=1 pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

.PHONY: help demo study plan verify check test fuzz faults cluster lint types licences clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z].*## / {printf "make %-9s  %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

demo: study  ## run the offline demo: the study of params.yaml as committed

study: .venv/installed  ## run the study of params.yaml, or go on with it, after a kill too; JOBS=2: two stages at once
	python -m tools.recover
	dvc repro --quiet code settings
	python -m tools.due
	python -m tools.jobs $(JOBS)
	@sed -n '/^## The answer/{n;n;p;q;}' reports/report.md
	@echo "The report is in reports/report.html and reports/report.md"

plan: .venv/installed  ## say what the study of params.yaml takes here, before it is trained: time, memory, disk
	python -m tools.recover
	dvc repro --quiet code settings harmonize embed encoder
	python -m tools.plan $(PLAN)

verify: .venv/installed  ## compare every packed row with its digest, and the image files with what was packed
	python -m tools.verify

check: lint types  ## the inner loop: lint, format, types, tests without DVC
	$(PYTEST) -m "not dvc" --ignore tests/pipeline --ignore tests/cluster

test: lint types  ## all tests: those of check, and the pipeline on profiles/smoke.yaml
	$(PYTEST) --ignore tests/cluster

fuzz: lint  ## readers, decoders and parameters against thousands of broken files, EXAMPLES=1000 a test
	$(PYTEST) --hypothesis-profile many tests/fuzz

faults: .venv/installed  ## kill, fill disks and set clocks back on a smoke study, 20 minutes
	python -m tests.pipeline.faults

cluster: .venv/installed  ## a smoke study through Slurm on two nodes of this machine, if Slurm is installed
	OMP_NUM_THREADS=1 pytest -rs tests/cluster

lint: .venv/installed
	ruff check .
	ruff format --check .

types: .venv/installed  ## mypy on the rooms that pyproject.toml names
	mypy

licences: .venv/installed  ## list the installed packages with their licences, in docs/generated
	python -m tools.licences

clean:  ## remove all that the pipeline made, the reports excepted
	rm -rf checkpoints data/arrays data/labels data/packed data/raw data/sets data/text data/summary.json
	rm -rf data/encoders data/pixels data/pretrained data/resized data/settings data/trained data/watched docs/generated
	rm -rf data/text_encoders/*-standin ensembles metrics models predictions weights .dvc/cache .dvc/tmp

.venv/installed: requirements.lock
	@echo "Installing the environment into .venv; this takes a few minutes"
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@
