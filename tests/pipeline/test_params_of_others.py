"""A params.yaml of somebody else, or with a mistake, which DVC reads before any check of ours."""

import pytest

COMMAND = "nih; touch touched #"
RELEASE = f"demo.sources.0: input should be 'mimic', 'nih' or 'chexpert', found '{COMMAND}'"
BASE = "densenet121_bert_reweighted"
#: A change of params.yaml, and the line about it.
MISTAKES = {
    "a variant without data": (
        lambda params: params["variants"][BASE].pop("data"),
        f"variants.{BASE}.data: missing key; write data: primary",
    ),
    "a circle": (
        lambda params: params["reweight"].update(base=BASE),
        f"reweight.base: {BASE!r} trains with weights: main, which its own scores would decide; "
        "expected a variant with weights: uniform",
    ),
    "a command": (lambda params: params["demo"].update(sources=[COMMAND]), RELEASE),
}


@pytest.fixture
def study(fresh):
    """A study whose code is described, so that DVC has no other reason to look at it again."""
    fresh.repro("repro", "code")
    yield fresh
    fresh.git("checkout", "--quiet", "--", "params.yaml")


@pytest.mark.parametrize(("key", "stage"), [("sources", "synthesize"), ("text_encoders", "synthesize_text")])
def test_what_is_no_name_becomes_no_command(study, key, stage):
    with study.params() as params:
        params["demo"][key] = [COMMAND]
    done = study.run("dvc", "repro", stage)
    assert done.returncode == 255 and f"error: params.yaml: demo.{key}.0: input should be" in done.stderr
    assert not (study.folder / "touched").exists()


@pytest.mark.parametrize("mistake", MISTAKES)
def test_make_study_says_in_a_line_what_dvc_would_say_in_its_own_words(study, mistake):
    change, line = MISTAKES[mistake]
    with study.params() as params:
        change(params)
    (study.folder / ".venv").mkdir(exist_ok=True)
    (study.folder / ".venv/installed").touch()  # there is nothing to install
    done = study.run("make", "--no-print-directory", "study")
    assert done.returncode == 2 and f"error: params.yaml: {line}\n" in done.stderr
    assert done.stdout == "python -m tools.recover\n" and not (study.folder / "touched").exists()
