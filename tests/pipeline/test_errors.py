"""Bad input is one clear line and exit code 1; no traceback."""


def error(study, *command) -> str:
    """The one line of error of a command that must fail."""
    done = study.run(*command)
    assert done.returncode == (255 if command[0] == "dvc" else 1)
    assert "Traceback" not in done.stdout + done.stderr
    (line,) = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("error: ")]
    return line


def test_of_a_stage_and_of_dvc(fresh):
    line = error(fresh, "python", "-m", "stages.harmonize", "nih")
    assert line == "error: data/settings/params.json: no such file; dvc repro settings writes it"
    fresh.repro("repro", "settings")
    line = error(fresh, "python", "-m", "stages.harmonize", "nih")
    assert line == "error: data.sources.nih.labels: data/raw/nih/labels: no such file or folder"
    fresh.edit("model: data/text_encoders/pubmedbert-standin", "model: someone/some-encoder")
    fresh.repro("repro", "settings")
    line = error(fresh, "python", "-m", "stages.embed", "pubmedbert")  # there is no network
    assert line.startswith("error: text_encoders.pubmedbert.model: cannot load 'someone/some-encoder'")
    fresh.edit("warmup: 0.1", "warmpu: 0.1")
    line = error(fresh, "dvc", "repro", "synthesize@nih")
    assert line == "error: params.yaml: train.warmpu: unknown key, did you mean warmup?"
