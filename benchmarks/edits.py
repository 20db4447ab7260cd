"""What an edit re-runs: every kind of edit made in a copy of the smoke study, and the stages that then ran.

Usage: python -m benchmarks.edits [--write docs/what-an-edit-reruns.md] [word of an edit …]
"""

import argparse
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from cxrlt_core.system.files import read_parquet
from tests.pipeline.workspace import Workspace, copy_repository

VARIANT = "{image: %s, text: %s, separate: true, loss: %s, weights: uniform, mixup: true, data: primary}"
THREE = ("train", "evaluate", "tta")
END = ("ensemble", "report")


@dataclass(frozen=True)
class Edit:
    """One kind of edit.

    Attributes:
        name: as people say it.
        make: makes it in a copy of the repository.
        expected: the stages that must run, and no others.
        trains: how many trainings take place; None does not count them.
    """

    name: str
    make: Callable[[Workspace], None]
    expected: Callable[[list[str]], Iterable[str]]
    trains: int | None = 0


def append(*files: str, text: str) -> Callable[[Workspace], None]:
    """Write a text at the end of files."""

    def make(study: Workspace) -> None:
        for file in files:
            with (study.folder / file).open("a") as stream:
                stream.write(text)

    return make


def every_comment(study: Workspace) -> None:
    """Add a comment to every module, and a docstring's sentence to every one that has a docstring."""
    for path in [*study.folder.glob("cxrlt_core/**/*.py"), *study.folder.glob("stages/**/*.py")]:
        text = path.read_text()
        path.write_text(re.sub(r'^"""(.)', r'"""Once more: \1', text, count=1) + "\n# a comment\n")


def entries(**lines: str) -> Callable[[Workspace], None]:
    """Add an entry to sections of params.yaml."""

    def make(study: Workspace) -> None:
        for section, line in lines.items():
            study.add_entry(section, line)

    return make


def variant(image: str = "resnet50", text: str = "pubmedbert", loss: str = "bce") -> dict[str, str]:
    """A new variant, of which the study has no twin, and its row."""
    return {"variants": f"new: {VARIANT % (image, text, loss)}", "table1": "- {variant: new, tta: true}"}


def new_loss(study: Workspace) -> None:
    """A loss of our own, with its entry, a variant and a row."""
    source = (study.folder / "cxrlt_core/losses/bce.py").read_text()
    (study.folder / "cxrlt_core/losses/twin.py").write_text(source.replace('"bce"', '"twin"'))
    entries(losses="twin: {kind: twin}", **variant(loss="twin"))(study)


def new_reader(study: Workspace) -> None:
    """A reader of our own, with its source."""
    source = (study.folder / "cxrlt_core/sources/nih.py").read_text()
    (study.folder / "cxrlt_core/sources/twin.py").write_text(source.replace('"nih"', '"twin"'))
    raw = "data/raw/nih"
    line = (
        f"twin: {{labels: {raw}/labels/Data_Entry_2017_v2020.csv, images: {raw}/images, test_list: null, "
        "uncertain: ignore, views: all}"
    )
    study.add_entry("data.sources", line)


def an_image(study: Workspace) -> Path:
    """Return an image that only the variant with replenished data sees."""
    sets = read_parquet(study.folder / "data/sets/train_replenished.parquet", ["image_id", "source"])
    name = sets.loc[sets["source"] == "nih", "image_id"].iloc[0].partition("/")[2]
    return next((study.folder / "data/raw/nih/images").rglob(name))


def touch_an_image(study: Workspace) -> None:
    """Give an image file another time."""
    an_image(study).touch()


def flip_an_image(study: Workspace) -> None:
    """Give an image file other pixels."""
    path = an_image(study)
    with Image.open(path) as image:
        image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(path)


def of(*stages: str) -> Callable[[list[str]], list[str]]:
    """These stages, whatever the study has."""
    return lambda _: list(stages)


def kinds(*names: str) -> Callable[[list[str]], list[str]]:
    """All stages of these kinds."""
    return lambda stages: [stage for stage in stages if stage.split("@")[0] in names]


NEW = [f"{stage}@new" for stage in THREE]
REPLENISHED = "resnet50_t5_mixup_replenished"
ON_MAIN = ("densenet121_bert_reweighted", REPLENISHED)

EDITS = [
    Edit("a comment and a docstring in every module", every_comment, of("code")),
    Edit("a new loss, with a variant and a row", new_loss, of("code", "settings", *NEW, *END), 1),
    Edit(
        "a new reader, with its source",
        new_reader,
        of("code", "settings", "harmonize@twin", "pack@twin", "split", "describe", "report"),
    ),
    Edit(
        "a new text encoder, with a variant and a row",
        entries(
            text_encoders="other: {model: data/text_encoders/pubmedbert-standin, pooling: mean, "
            "revision: null, prompt: '{label}'}",
            **variant(text="other"),
        ),
        of("settings", "pretrained", "embed@other", *NEW, *END),
        1,
    ),
    Edit(
        "a new image encoder, with a variant and a row",
        entries(
            image_encoders="other: {model: resnet10t, pretrained: false, revision: null, layout: timm, "
            "prefix: null, rename: [], pixels: study, options: {channels: [8, 8, 8, 16]}}",
            **variant(image="other"),
        ),
        of("settings", "pretrained", "encoder@other", *NEW, *END),
        1,
    ),
    Edit("a new variant and its row", entries(**variant(image="densenet121")), of("settings", *NEW, *END), 1),
    Edit(
        "a row of a variant that is there",
        entries(table1="- {variant: densenet121_bert_reweighted, tta: false}"),
        of("settings", "report"),
    ),
    Edit(
        "a colour",
        append("cxrlt_core/figures/style.py", text="\nACCENT = '#123456'\n"),
        of("code", "report"),
    ),
    Edit(
        "a metric",
        append("cxrlt_core/metrics/scores.py", text="\nEXTRA = 1\n"),
        kinds("code", "evaluate", "attention", "ensemble", "report"),
    ),
    Edit(
        "the loop of training",
        append("cxrlt_core/training/checkpoint.py", text="\nEXTRA = 1\n"),
        kinds("code", "train", "report"),
        5,
    ),
    Edit(
        "the reader of CheXpert",
        append("cxrlt_core/sources/chexpert.py", text="\nEXTRA = 1\n"),
        of("code", "harmonize@chexpert", "pack@chexpert"),
    ),
    Edit(
        "reweight.ratio",
        lambda study: study.edit("ratio: 2 ", "ratio: 4 "),
        of("settings", "reweight", *(f"{stage}@{name}" for name in ON_MAIN for stage in THREE), *END),
        2,
    ),
    Edit(
        "train.resident",
        lambda study: study.edit("resident: auto", "resident: never"),
        of("settings", "report"),
    ),
    Edit(
        "train.checkpoint_minutes",
        lambda study: study.edit("checkpoint_minutes: 10", "checkpoint_minutes: 1"),
        of("settings", "report"),
    ),
    Edit(
        "train.monitor",
        lambda study: study.edit("monitor: 1 ", "monitor: 0 "),
        of("settings", "report"),
    ),
    Edit(
        "launch",
        lambda study: study.edit("train: python", "train: torchrun --nproc-per-node=2"),
        of("settings", "report"),
    ),
    Edit(
        "a further seed",
        lambda study: study.edit("seeds: [0]", "seeds: [0, 3]"),
        kinds("settings", "train", "evaluate", "attention", "reweight", "tta", "ensemble", "report"),
        5,
    ),
    Edit("the time of an image file", touch_an_image, of("pack@nih")),
    Edit(
        "the pixels of an image file, for training alone",
        flip_an_image,
        lambda _: ("pack@nih", "split", *(f"{stage}@{REPLENISHED}" for stage in THREE), *END),
        1,
    ),
]


def main(words: list[str]) -> Iterator[tuple[Edit, list[str], int, float, bool]]:
    """Make every edit, alone, on the finished study; yield what ran and whether it was to."""
    with tempfile.TemporaryDirectory() as folder:
        study = copy_repository(Path(folder), "smoke.yaml")
        stages = study.repro()
        study.git("add", "--all")
        study.git("commit", "--quiet", "--message", "study")
        for edit in EDITS:
            if words and not any(word in edit.name for word in words):
                continue
            before = set((study.folder / "checkpoints").iterdir())
            edit.make(study)
            start = time.perf_counter()
            ran = study.repro()
            seconds = time.perf_counter() - start
            made = set((study.folder / "checkpoints").iterdir()) - before
            trained = sum(path.suffix == ".pt" for path in made)
            good = sorted(ran) == sorted(edit.expected(stages)) and edit.trains in (None, trained)
            yield edit, ran, trained, seconds, good
            restore(study, before)


def restore(study: Workspace, checkpoints: set[Path]) -> None:
    """Go back to the committed study."""
    study.git("checkout", "--quiet", "--", ".")
    study.git("clean", "--quiet", "-d", "--force")
    for path in set((study.folder / "checkpoints").iterdir()) - checkpoints:
        path.unlink()
    for command in (
        ("python", "-m", "tools.recover"),
        ("dvc", "checkout", "--quiet", "--force"),
    ):
        done = study.run(*command)
        assert done.returncode == 0, done.stderr


def shortened(ran: list[str]) -> str:
    """Stages by kind: ``train ×5``, or ``train@new`` where there is one."""
    by_kind: dict[str, list[str]] = {}
    for stage in ran:
        by_kind.setdefault(stage.split("@")[0], []).append(stage)
    return ", ".join(f"`{s[0]}`" if len(s) == 1 else f"`{kind}` ×{len(s)}" for kind, s in by_kind.items())


PAGE = """# What an edit re-runs

Made by `python -m benchmarks.edits --write docs/what-an-edit-reruns.md`: each edit alone, on the finished
smoke study, followed by a real `dvc repro`. *Trainings* are those that took place; a stage `train` that finds
a training finished restores it. The stage `watch`, which looks at the image files, runs every time and is not
named. Tiny networks on 2 CPU cores: the seconds are those of starts.

| edit | stages that ran | trainings | seconds |
| --- | --- | --- | --- |
{rows}
"""

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path)
    parser.add_argument("words", nargs="*")
    arguments = parser.parse_args()
    rows, bad = [], 0
    for edit, ran, trained, seconds, good in main(arguments.words):
        rows.append(f"| {edit.name} | {shortened(ran)} | {trained} | {seconds:.0f} |")
        print(rows[-1], "" if good else "<-- not as expected", flush=True)
        bad += not good
    if arguments.write:
        arguments.write.write_text(PAGE.format(rows="\n".join(rows)))
    raise SystemExit(bad)
