"""What ``dvc repro`` has to do, said before it starts: stages, trainings, and how long those may take.

A stage is due where DVC sees a change, and so is what depends on it. At most: a stage whose outputs come out
as they were stops what follows, and DVC's run-cache and the checkpoints keep what was done before.

Usage: python -m tools.due
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from statistics import mean

from dvc.lock import LockError
from dvc.repo import Repo

from cxrlt_core.packing.decoder import decoder
from cxrlt_core.params.schema import Params
from cxrlt_core.params.training import Train
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import read_json, read_parquet_metadata
from cxrlt_core.system.progress import format_interval
from stages.artifacts.border import run_stage
from stages.artifacts.parameters import RECORD
from stages.artifacts.paths import model_folder, watched_path
from stages.artifacts.provenance import other_versions
from stages.artifacts.watched import last_look, look


def due_stages(repo: Repo, noticed: Collection[str] = ()) -> list[str]:
    """Return the names of the stages that are due, in the order of dvc.yaml.

    ``noticed`` are stages for which the one that DVC runs every time is going to find a change.
    """
    graph, due = repo.index.graph, set()
    changed = {name for name, changes in repo.status().items() if changes != ["always changed"]} | {*noticed}
    waiting = [stage for stage in graph if stage.addressing in changed]
    while waiting:
        stage = waiting.pop()
        if stage not in due:
            due.add(stage)
            waiting += graph.predecessors(stage)  # those that need it
    return [stage.addressing for stage in repo.index.stages if stage in due]


def describe(due: Collection[str], train: Train, costs: Mapping[str, list[Mapping]]) -> str:
    """Say what is due, in a line or two, from what the trainings of each variant took last time."""
    if not due:
        return "nothing is due: every stage is up to date"
    kinds = Counter(name.split("@")[0] for name in due)
    stages = ", ".join(kind if count == 1 else f"{count} {kind}" for kind, count in kinds.items())
    text = f"due, at most: {stages}"
    variants = [name.split("@")[1] for name in due if name.startswith("train@")]
    if not variants:
        return text
    return f"{text}\n{len(variants) * len(train.seeds)} trainings, {_estimate(variants, train, costs)}"


def _estimate(variants: Iterable[str], train: Train, costs: Mapping[str, list[Mapping]]) -> str:
    """Say how long trainings take at the speed of the last ones, a new variant's as long as the mean."""
    means = {name: mean(_seconds(run, train) for run in runs) for name, runs in costs.items() if runs}
    if not means:
        return "no earlier ones to estimate their time from"
    typical = mean(means.values())
    seconds = len(train.seeds) * sum(means.get(name, typical) for name in variants)
    last = costs[next(reversed(means))][-1]
    return f"about {format_interval(seconds)} at the speed of the last ones ({last['device']})"


def _seconds(cost: Mapping, train: Train) -> float:
    """Return the time of a training of the length that params.yaml states now."""
    images = train.steps * train.batch_size if train.epochs is None else train.epochs * cost["images"]
    return images / cost["images_per_second"]


def past_costs(params: Params) -> dict[str, list[Mapping]]:
    """Read what the trainings of every variant took last time."""
    paths = {
        name: [model_folder(name, seed) / "cost.json" for seed in params.train.seeds]
        for name in params.variants
    }
    return {name: [read_json(path) for path in files if path.exists()] for name, files in paths.items()}


def changed_images(params: Params) -> dict[str, int]:
    """Return how many image files are new or others than at the last look, by source that has such."""
    counts = {}
    for source in params.data.sources:
        if Path(f"data/labels/{source}.parquet").exists() and watched_path(source).exists():
            now, last = look(params, source), last_look(source)
            if not now.equals(last):
                counts[source] = len(set(now.itertuples(index=False)) - set(last.itertuples(index=False)))
    return counts


def other_decoder(params: Params) -> list[str]:
    """Return the sources whose images were decoded otherwise than they would be here."""
    marks = {
        source: read_parquet_metadata(watched_path(source)).get("decoder")
        for source in params.data.sources
        if watched_path(source).exists()
    }
    return [source for source, mark in marks.items() if mark != decoder()]


def other_label_space(params: Params) -> bool:
    """Return whether the label space is another one than that of the last run."""
    if not Path(RECORD).exists():
        return False
    return read_json(RECORD).get("label_space") != params.label_space.model_dump(mode="json")


def main(params: Params) -> None:
    """Print what is due, and which image files have changed."""
    changed = changed_images(params)
    for source, count in changed.items():
        print(f"data.sources.{source}.images: {count} files are new or have changed")
    for line in other_versions(params):
        print(line)
    others = other_decoder(params)
    for source in others:
        print(f"data.sources.{source}.images: were decoded by other code or versions, and are packed again")
    noticed = [f"pack@{source}" for source in {*changed, *others}]
    if other_label_space(params):
        print(f"data.label_space: {params.data.label_space} has changed")
        noticed.append("settings")
    try:
        with Repo() as repo:
            due = due_stages(repo, noticed)
    except LockError:
        raise StudyError("another dvc is at work in this folder; run again when it has ended") from None
    print(describe(due, params.train, past_costs(params)))


if __name__ == "__main__":
    run_stage(main)
