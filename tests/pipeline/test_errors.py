"""Bad input is one clear line and exit code 1; no traceback."""

import pytest


def error(fresh, target):
    done = fresh.run("dvc", "repro", target)
    assert done.returncode != 0
    output = done.stdout + done.stderr
    assert "Traceback" not in output
    return [line for line in output.splitlines() if line.startswith("error: ")]


def test_missing_label_file(fresh):
    fresh.edit("sources: [mimic, nih, chexpert]", "sources: []")
    fresh.edit("extra: [nih, chexpert]", "extra: []")
    done = fresh.run("python", "-m", "stages.harmonize", "mimic")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    fresh.edit("extra: []", "extra: [nih, chexpert]")
    done = fresh.run("python", "-m", "stages.harmonize", "nih")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "error: data.sources.nih.labels: data/raw/nih/labels/Data_Entry_2017_v2020.csv: "
        "no such file or folder\n"
    )


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        (
            "warmup: 0.1",
            "warmpu: 0.1",
            "error: params.yaml: train.warmpu: unknown key, did you mean warmup?",
        ),
        (
            "image: densenet121,",
            "image: vgg,",
            "error: params.yaml: variants.densenet121_bert_reweighted.image: 'vgg' is not in image_encoders "
            "(resnet50, densenet121)",
        ),
        (
            "text: clinical_t5,",
            "text: gpt,",
            "error: params.yaml: variants.resnet50_t5_contrast_mixup.text: 'gpt' is not in text_encoders "
            "(pubmedbert, clinical_t5)",
        ),
        (
            "epochs: 1",
            "epochs: 0",
            "error: params.yaml: train.epochs: input should be greater than or equal to 1, found 0",
        ),
    ],
)
def test_wrong_params(fresh, before, after, line):
    fresh.edit(before, after)
    assert error(fresh, "synthesize@nih") == [line]


def test_hub_model_without_network(fresh):
    fresh.edit("model: data/text_encoders/pubmedbert-standin", "model: someone/some-encoder")
    lines = error(fresh, "embed@pubmedbert")
    assert len(lines) == 1
    assert lines[0].startswith("error: text_encoders.pubmedbert.model: cannot load 'someone/some-encoder'")
