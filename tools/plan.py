"""What a study takes on this machine, said before anything is trained: time, memory and disk.

Each distinct training is built at its size and batch and timed for a few steps on random images, as many at
once as the study runs, and so are predictions, the start of a stage and the scoring of a row. The rest is
counted from the label tables: images that leaks and rejections cost are still in.

Usage: python -m tools.plan [options]   (part of `make plan`; --help lists them)
"""

import argparse
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dvc.repo import Repo

from cxrlt_core.params.schema import Params
from cxrlt_core.people import without_people
from cxrlt_core.reporting.markdown import markdown_table
from cxrlt_core.splits.carving import assign_splits, label_space
from cxrlt_core.study.recipes import geometries, resolved
from cxrlt_core.study.variants import used_sources
from cxrlt_core.system.device import describe_device, free_memory, open_device
from cxrlt_core.system.files import read_parquet
from cxrlt_core.system.progress import format_interval
from cxrlt_core.training.schedule import build_schedule
from stages.artifacts.border import run_stage
from tools.jobs import devices, number_of_jobs
from tools.probe import Probe, elsewhere, pack_seconds, probes, score_seconds, start_seconds

MOMENTS = 2  # tensors of the size of the weights that AdamW keeps
GIB = 2**30


@dataclass(frozen=True)
class Work:
    """What a training of a variant takes, of one seed."""

    images: int
    steps: int
    train: float  # seconds
    predict: float  # seconds: development images once, and all views of development and test images


def set_sizes(params: Params) -> dict[str, int]:
    """Return the number of images of each set: primary, replenished, dev and test."""
    read = {name: read_parquet(f"data/labels/{name}.parquet") for name in used_sources(params)}
    tables = {name: without_people(table) for name, table in read.items()}
    primary = tables.pop(params.data.primary)
    splits = assign_splits(primary, label_space(primary), params.data.splits).tolist()
    more = sum(int((table["split"] != "test").sum()) for table in tables.values())
    counts = {name: splits.count(name) for name in ("train", "dev", "test")}
    own = counts.pop("train")
    return {"primary": own, "replenished": own + more, **counts}


def work_of(params: Params, name: str, sizes: Mapping[str, int], measured: Probe) -> Work:
    """Return what one training of a variant takes."""
    train, images = resolved(params, name).train, sizes[params.variants[name].data]
    schedule = build_schedule(images, train, parts=train.accumulate)
    shown = sizes["dev"] + params.tta.views * (sizes["dev"] + sizes["test"])
    seconds = images * schedule.passes / measured.trained
    return Work(images, schedule.steps, seconds, shown / measured.predicted)


def disk(params: Params, sizes: Mapping[str, int], measured: Mapping[str, Probe]) -> dict[str, int]:
    """Return the bytes that a study writes, by place."""
    shapes = {(image.size, image.fit) for image in (params.image, *geometries(params).values())}
    images = sizes["replenished"] + sizes["dev"] + sizes["test"]
    seeds, weights = len(params.train.seeds), sum(each.weights for each in measured.values())
    kept = {name: 1 + MOMENTS + (resolved(params, name).train.ema is not None) for name in measured}
    states = sum(each.weights * kept[name] for name, each in measured.items())
    rows, classes = 2 * sizes["dev"] + sizes["test"], len(params.label_space.classes)
    predictions = rows * classes * 4 * len(measured)
    return {
        params.image.store: images * sum(side**2 for side, _ in shapes),
        "checkpoints": states * seeds,
        "models and predictions": (weights + predictions) * seeds,
        ".dvc/cache": (weights + predictions) * seeds,
    }


def table(works: Mapping[str, Work], measured: Mapping[str, Probe], seeds: int) -> str:
    """Return a line a variant, with all of its seeds."""
    header = ["variant", "images", "steps", "images/s", "peak memory", "training", "prediction"]
    return markdown_table(
        header,
        [
            [
                name,
                f"{work.images:,}",
                f"{work.steps:,}",
                f"{measured[name].trained:,.1f}",
                f"{measured[name].memory:,} MiB",
                f"{seeds} × {format_interval(work.train)}",
                f"{seeds} × {format_interval(work.predict)}",
            ]
            for name, work in works.items()
        ],
    )


def times(params: Params, works: Mapping[str, Work], sizes: Mapping[str, int], jobs: int) -> dict[str, float]:
    """Return the seconds of the parts of a study of which so many stages run at once."""
    seeds, rows = len(params.train.seeds), len(params.table1) + len(works)
    with Repo() as repo:
        stages = len(repo.index.stages)
    dev, test = (score_seconds(params, sizes[name]) for name in ("dev", "test"))
    folds = sum(works[name].train * asked.folds for name, asked in params.zero_shot.items())
    packing = [pack_seconds(params, source) for source in used_sources(params)]
    if None in packing:
        print("packing: not known, there is no image file yet")
    return {
        f"{seeds * len(works)} trainings": seeds * sum(work.train for work in works.values()) / jobs,
        "predictions": seeds * sum(work.predict for work in works.values()) / jobs,
        f"starts of {stages} stages": stages * start_seconds() / min(jobs, len(os.sched_getaffinity(0))),
        **({"trainings without hidden classes": folds / jobs} if folds else {}),
        "packing": sum(filter(None, packing)),
        "scoring": (dev * rows + test * len(params.table2)) * seeds,
    }


def misfits(params: Params, needed: Mapping[str, int], memory: int, free: int, jobs: int) -> Iterator[str]:
    """Yield a line for each thing for which there is no room; memory in bytes."""
    places = {params.image.store: Path(params.image.store), "the study": Path()}
    wanted = {params.image.store: needed[params.image.store]}
    wanted["the study"] = sum(size for place, size in needed.items() if place != params.image.store)
    for name, path in places.items():
        there = next(p for p in (path, *path.resolve().parents) if p.exists())
        if wanted[name] > (left := shutil.disk_usage(there).free):
            yield f"disk: {name} needs {wanted[name] / GIB:.1f} GiB, {left / GIB:.1f} GiB are free"
    if jobs * memory > free:
        yield f"memory: {jobs} at once need {jobs * memory / GIB:.1f} GiB, {free / GIB:.1f} GiB are free"


def main(params: Params, *words: str) -> None:
    """Print what each variant and the whole study take, and what does not fit."""
    parser = argparse.ArgumentParser(prog="make plan", description="What a study takes on this machine.")
    parser.add_argument("--jobs", default="auto", help="stages that run at once")
    parser.add_argument("--device-memory", type=float, metavar="GB", help="of a device that is not here")
    parser.add_argument("--images-per-second", type=float, metavar="N", help="of a training on that device")
    asked = parser.parse_args(words)
    gpus, sizes = devices(), set_sizes(params)
    jobs, here = (
        number_of_jobs(params, asked.jobs, len(gpus)),
        open_device(params.compute.device, params.compute.threads),
    )
    measured = probes(params, jobs)
    if asked.images_per_second:
        measured = elsewhere(measured, asked.images_per_second)
    works = {name: work_of(params, name, sizes, each) for name, each in measured.items()}
    print(f"{describe_device(here)}; {jobs} stages at once")
    print(table(works, measured, len(params.train.seeds)))
    parts = times(params, works, sizes, jobs)
    print(*(f"{part}: {format_interval(seconds)}" for part, seconds in parts.items()), sep="\n")
    print(f"in all about {format_interval(sum(parts.values()))}\n")
    needed = disk(params, sizes, measured)
    print(*(f"{place}: {size / GIB:.2f} GiB" for place, size in needed.items()), sep="\n")
    memory, free = max(each.memory for each in measured.values()) * 2**20, free_memory(here)
    if asked.device_memory:
        jobs, free = 1, int(asked.device_memory * 1e9)
    for line in misfits(params, needed, memory, free, jobs):
        print(f"does not fit: {line}")


if __name__ == "__main__":
    run_stage(main)
