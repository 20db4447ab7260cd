"""What an edit re-runs: every kind of edit made in a copy of the smoke study, and the stages that then ran.

Usage: python -m benchmarks.edits [--write docs/what-an-edit-reruns.md] [word of an edit …]
"""

import argparse
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from cxrlt_core.system.files import read_parquet
from tests.pipeline.warm import warm
from tests.pipeline.workspace import ENVIRONMENT, Workspace, copy_repository

VARIANT_STAGES = ("train", "evaluate", "tta")
LAST_STAGES = ("ensemble", "report")
EXTRA = "\nEXTRA = 1\n"  # code that changes a fingerprint and no result

Apply = Callable[[Workspace], None]


@dataclass(frozen=True)
class Edit:
    """One kind of edit.

    Attributes:
        name: as in the table.
        apply: makes the edit in a copy of the repository.
        expected: of all stages, those that must run; no others may.
        trains: number of trainings that must take place.
    """

    name: str
    apply: Apply
    expected: Callable[[list[str]], Iterable[str]]
    trains: int = 0


def append(file: str, text: str = EXTRA) -> Apply:
    """Append text to a file."""

    def apply(study: Workspace) -> None:
        with (study.folder / file).open("a") as stream:
            stream.write(text)

    return apply


def edit_comments(study: Workspace) -> None:
    """Add a comment to every module, and words to every docstring of a module."""
    for path in [*study.folder.glob("cxrlt_core/**/*.py"), *study.folder.glob("stages/**/*.py")]:
        text = path.read_text()
        path.write_text(re.sub(r'^"""(.)', r'"""Once more: \1', text, count=1) + "\n# a comment\n")


def replace(before: str, after: str) -> Apply:
    """Replace text in params.yaml."""
    return lambda study: study.edit(before, after)


def add(**sections: dict[str, Any] | list[Any]) -> Apply:
    """Add entries to sections of params.yaml."""

    def apply(study: Workspace) -> None:
        with study.params() as params:
            for name, entries in sections.items():
                params[name] = params.get(name, type(entries)())
                params[name] = params[name] | entries if isinstance(entries, dict) else params[name] + entries

    return apply


def add_variant(sections: dict[str, Any] | None = None, **changes: Any) -> Apply:
    """Add a variant that differs from all others, its row, and entries of further sections.

    A change to None removes a key.
    """
    variant = {"image": "resnet50", "text": "pubmedbert", "loss": "bce", "weights": "uniform"}
    variant |= {"data": "primary", "init": "none", "separate": True, "mixup": True} | changes
    variant = {key: value for key, value in variant.items() if value is not None}
    return add(**(sections or {}), variants={"new": variant}, table1=[{"variant": "new", "tta": True}])


def copy_module(package: str, name: str) -> Apply:
    """Copy a module of a package to twin.py beside it."""

    def apply(study: Workspace) -> None:
        folder = study.folder / "cxrlt_core" / package
        source = (folder / f"{name}.py").read_text().replace(f'"{name}"', '"twin"')
        (folder / "twin.py").write_text(source.replace('TITLE = "', 'TITLE = "twin of '))

    return apply


def both(*edits: Apply) -> Apply:
    """Make several edits at once."""

    def apply(study: Workspace) -> None:
        for edit in edits:
            edit(study)

    return apply


def add_source(study: Workspace) -> None:
    """Add a source that reads the label file of NIH."""
    file = {"labels": "data/raw/nih/labels/Data_Entry_2017_v2020.csv", "test_list": None}
    with study.params() as params:
        params["data"]["sources"]["twin"] = params["data"]["sources"]["nih"] | file


def replenished_image(study: Workspace) -> Path:
    """Return an image that only the variant with replenished data is trained on."""
    sets = read_parquet(study.folder / "data/sets/train_replenished.parquet", ["image_id", "source"])
    name = sets.loc[sets["source"] == "nih", "image_id"].iloc[0].partition("/")[2]
    return next((study.folder / "data/raw/nih/images").rglob(name))


def touch_image(study: Workspace) -> None:
    """Change the time of an image file."""
    replenished_image(study).touch()


def flip_image(study: Workspace) -> None:
    """Change the pixels of an image file."""
    path = replenished_image(study)
    with Image.open(path) as image:
        image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(path)


def stages_named(*names: str) -> Callable[[list[str]], list[str]]:
    """Exactly these stages."""
    return lambda _: list(names)


def stages_of(*kinds: str) -> Callable[[list[str]], list[str]]:
    """All stages of these kinds."""
    return lambda stages: [stage for stage in stages if stage.split("@")[0] in kinds]


NEW = [f"{stage}@new" for stage in VARIANT_STAGES]
VARIED = ("code", "pixels")  # look at every variant
ADDED = stages_named(*VARIED, *NEW, *LAST_STAGES)
REPLENISHED = "resnet50_t5_mixup_replenished"
ON_MAIN = ("densenet121_bert_reweighted", REPLENISHED)
WITH_MIXUP = ("resnet50_t5_contrast_mixup", REPLENISHED)

TEXT_ENCODER = {"model": "data/text_encoders/pubmedbert-standin", "pooling": "mean", "revision": None}
TEXT_ENCODER |= {"prompt": "{label}"}
IMAGE_ENCODER = {
    "model": "resnet10t",
    "pretrained": False,
    "revision": None,
    "layout": "timm",
    "prefix": None,
}
IMAGE_ENCODER |= {"rename": [], "pixels": "study", "options": {"channels": [8, 8, 8, 16]}}

EDITS = [
    Edit("a comment and a docstring in every module", edit_comments, stages_named("code")),
    Edit(
        "a new loss, with a variant and a row",
        both(copy_module("losses", "bce"), add_variant({"losses": {"twin": {"kind": "twin"}}}, loss="twin")),
        ADDED,
        1,
    ),
    Edit(
        "a new reader, with its source",
        both(copy_module("sources", "nih"), add_source),
        stages_named(*("code", "harmonize@twin", "pack@twin", "split", "pixels", "describe", "report")),
    ),
    Edit("a new design that no variant has", copy_module("designs", "mixup"), stages_named("code")),
    Edit(
        "a new design, with a variant and a row",
        both(copy_module("designs", "mixup"), add_variant(mixup=None, twin=0.2)),
        ADDED,
        1,
    ),
    Edit(
        "a new text encoder, with a variant and a row",
        add_variant({"text_encoders": {"other": TEXT_ENCODER}}, text="other"),
        stages_named(*VARIED, "pretrained", "embed@other", *NEW, *LAST_STAGES),
        1,
    ),
    Edit(
        "a new image encoder, with a variant and a row",
        add_variant({"image_encoders": {"other": IMAGE_ENCODER}}, image="other"),
        stages_named(*VARIED, "pretrained", "encoder@other", *NEW, *LAST_STAGES),
        1,
    ),
    Edit("a new variant and its row", add_variant(image="densenet121"), ADDED, 1),
    Edit(
        "a recipe of two epochs, with a variant and a row",
        add_variant({"recipes": {"long": {"train": {"epochs": 2}}}}, recipe="long"),
        ADDED,
        1,
    ),
    Edit(
        "a recipe of another size, with a variant and a row",
        add_variant({"recipes": {"large": {"image": {"size": 48}}}}, recipe="large"),
        lambda stages: [*ADDED(stages), "encoder@resnet50", *stages_of("pack")(stages)],
        1,
    ),
    Edit(
        "a variant that starts from another, and its row",
        add_variant(init="resnet50_bert_separate"),
        ADDED,
        1,
    ),
    Edit(
        "a row of a variant that is there",
        add(table1=[{"variant": "densenet121_bert_reweighted", "tta": False}]),
        stages_named("report"),
    ),
    Edit(
        "a colour",
        append("cxrlt_core/figures/style.py", "\nACCENT = '#123456'\n"),
        stages_named("code", "report"),
    ),
    Edit(
        "a metric",
        append("cxrlt_core/metrics/scores.py"),
        stages_of("code", "evaluate", "attention", "ensemble", "report"),
    ),
    Edit(
        "the loop of training",
        append("cxrlt_core/training/checkpoint.py"),
        stages_of("code", "train", "report"),
        5,
    ),
    Edit(
        "a design of training: MixUp",
        append("cxrlt_core/designs/mixup.py"),
        stages_named("code", *(f"train@{name}" for name in WITH_MIXUP), "report"),
        2,
    ),
    Edit(
        "a design of prediction: TTA",
        append("cxrlt_core/designs/tta.py"),
        stages_of("code", "tta", "report"),
    ),
    Edit(
        "a design of ensembles",
        append("cxrlt_core/designs/ensemble.py"),
        stages_of("code", "ensemble", "report"),
    ),
    Edit("the schema of params.yaml", append("cxrlt_core/params/schema.py"), stages_named("code")),
    Edit(
        "what params.yaml says in full: designs and recipes in their place",
        append("cxrlt_core/study/gather.py"),
        stages_named("code"),
    ),
    Edit(
        "the reader of CheXpert",
        append("cxrlt_core/sources/chexpert.py"),
        stages_named("code", "harmonize@chexpert", "pack@chexpert"),
    ),
    Edit(
        "reweight.ratio",
        replace("ratio: 2 ", "ratio: 4 "),
        stages_named(
            "reweight",
            *(f"{stage}@{name}" for name in ON_MAIN for stage in VARIANT_STAGES),
            *LAST_STAGES,
        ),
        2,
    ),
    Edit(
        "train.resident",
        replace("resident: auto", "resident: never"),
        stages_named("report"),
    ),
    Edit(
        "train.checkpoint_minutes",
        replace("checkpoint_minutes: 10", "checkpoint_minutes: 1"),
        stages_named("report"),
    ),
    Edit("train.monitor", replace("monitor: 1 ", "monitor: 0 "), stages_named("report")),
    Edit(
        "launch",
        replace("train: python", "train: torchrun --nproc-per-node=2"),
        stages_named("report"),
    ),
    Edit(
        "a further seed",
        replace("seeds: [0]", "seeds: [0, 3]"),
        stages_of("train", "evaluate", "attention", "reweight", "tta", "ensemble", "report"),
        5,
    ),
    Edit("the time of an image file", touch_image, stages_named("pack@nih")),
    Edit(
        "the pixels of an image file, for training alone",
        flip_image,
        stages_named(
            *("pack@nih", "split", "pixels"),
            *(f"{stage}@{REPLENISHED}" for stage in VARIANT_STAGES),
            *LAST_STAGES,
        ),
        1,
    ),
]


def main(words: list[str]) -> Iterator[tuple[Edit, list[str], int, float, bool]]:
    """Make every edit, alone, on the finished study; yield what ran and whether it was expected."""
    with tempfile.TemporaryDirectory() as folder, warm(Path(folder), ENVIRONMENT) as environment:
        place = Path(folder) / "study"
        place.mkdir()
        study = copy_repository(place, "smoke.yaml", environment)
        stages = study.repro()
        study.git("add", "--all")
        study.git("commit", "--quiet", "--message", "study")
        before = checkpoints(study)
        for edit in EDITS:
            if words and not any(word in edit.name for word in words):
                continue
            # what another edit ran is not to be restored
            shutil.rmtree(study.folder / ".dvc/cache/runs", ignore_errors=True)
            edit.apply(study)
            start = time.perf_counter()
            ran = study.repro()
            seconds = time.perf_counter() - start
            created = checkpoints(study) - before
            trained = sum(path.suffix == ".pt" for path in created)
            expected = sorted(ran) == sorted(edit.expected(stages)) and trained == edit.trains
            yield edit, ran, trained, seconds, expected
            for path in created:
                path.unlink()
            study.git("clean", "--quiet", "-d", "--force")
            study.restore()


def checkpoints(study: Workspace) -> set[Path]:
    """Return the files of all trainings."""
    return set((study.folder / "checkpoints").iterdir())


def shortened(ran: list[str]) -> str:
    """Stages by kind: ``train ×5``, or ``train@new`` for a single one."""
    by_kind: dict[str, list[str]] = {}
    for stage in ran:
        by_kind.setdefault(stage.split("@")[0], []).append(stage)
    return ", ".join(f"`{s[0]}`" if len(s) == 1 else f"`{kind}` ×{len(s)}" for kind, s in by_kind.items())


PAGE = """# What an edit re-runs

Made by `python -m benchmarks.edits --write docs/what-an-edit-reruns.md`: each edit alone, on the finished
smoke study, followed by a real `dvc repro`. *Trainings* are those that took place; a stage `train` that finds
a training finished restores it. The stages `settings` and `watch`, which look at the label space and at the
image files, run every time and are not listed. Seconds are those of tiny networks on 2 CPU cores, without the
imports of torch, timm and DVC, which all stages here share. `make test` tries nine kinds of edit, an external
set among them ([test_edits.py](../tests/pipeline/smoke/test_edits.py)).

| edit | stages that ran | trainings | seconds |
| --- | --- | --- | --- |
{rows}
"""

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path)
    parser.add_argument("words", nargs="*")
    arguments = parser.parse_args()
    rows, failures = [], 0
    for edit, ran, trained, seconds, expected in main(arguments.words):
        rows.append(f"| {edit.name} | {shortened(ran)} | {trained} | {seconds:.0f} |")
        print(rows[-1], "" if expected else "<-- not as expected", flush=True)
        failures += not expected
    if arguments.write:
        arguments.write.write_text(PAGE.format(rows="\n".join(rows)))
    raise SystemExit(failures)
