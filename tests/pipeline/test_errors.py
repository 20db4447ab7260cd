"""Bad input is one clear line and exit code 1; no traceback."""

import pytest


@pytest.fixture
def study(fresh):
    """The study in which nothing has run, its parameters as committed."""
    yield fresh
    fresh.git("checkout", "--quiet", "--", "params.yaml")


def error(study, *command) -> list[str]:
    """Lines of error of a command that must fail."""
    done = study.run(*command)
    assert done.returncode == (255 if command[0] == "dvc" else 1)
    assert "Traceback" not in done.stdout + done.stderr
    return [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("error: ")]


def stage(study, name, item) -> list[str]:
    return error(study, "python", "-m", f"stages.{name}", item)


def test_missing_label_file(study):
    assert len(stage(study, "harmonize", "mimic")) == 1
    [line] = stage(study, "harmonize", "nih")
    assert line == "error: data.sources.nih.labels: data/raw/nih/labels: no such file or folder"


def test_dvc_says_the_line_and_stops(study):
    study.edit("warmup: 0.1", "warmpu: 0.1")
    [line] = error(study, "dvc", "repro", "synthesize@nih")
    assert line == "error: params.yaml: train.warmpu: unknown key, did you mean warmup?"


def test_hub_model_without_network(study):
    study.edit("model: data/text_encoders/pubmedbert-standin", "model: someone/some-encoder")
    (line,) = stage(study, "embed", "pubmedbert")
    assert line.startswith("error: text_encoders.pubmedbert.model: cannot load 'someone/some-encoder'")
