"""The steps of :mod:`benchmarks.gpu`, each a function that yields what it asked and what it found.

Usage: python -m benchmarks.gpu_steps FOLDER [--cpu] <step>   (the folder is shared by all steps)
"""

import argparse
import csv
import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
import yaml

from benchmarks import training
from benchmarks.gpu import MARK
from benchmarks.gpu_training import Asked, digest
from benchmarks.grid import PROFILE, Contestants, hours, saturate
from benchmarks.loops import make_images, our_training
from benchmarks.machine import describe_machine
from cxrlt_core.batches.sharding import ShardedImages
from cxrlt_core.study.parse import parse_params
from cxrlt_core.system.device import describe_device, free_memory, open_device
from cxrlt_core.system.distributed import Ranks
from cxrlt_core.system.errors import StudyError
from cxrlt_core.training.loop import Training
from cxrlt_core.training.optimiser import train_mode
from tests.pipeline.workspace import ENVIRONMENT, copy_repository

#: Options of :mod:`benchmarks.training`, without and with a GPU.
WORDS = {
    True: "--device cpu --threads 1 --model resnet10t --size 32 --batch 8 --images 48 --steps 2 --turns 1",
    False: "--device cuda --model resnet50 --size 224 --batch 64 --images 2048 --steps 100 --turns 5"
    " --precision bf16",
}
LENGTH = {True: 8, False: 48}  # steps of a training whose weights are compared
#: Network, pixels, compiled, first and last batch of the grid.
CASES = {
    True: [("resnet10t", 32, False, (8, 16))],
    False: [
        ("resnet50", 224, False, (64, 1024)),
        ("densenet121", 224, False, (64, 512)),
        ("resnet50", 224, True, (256, 256)),
        ("resnet50", 512, False, (32, 128)),
    ],
}
GRID_STEPS = 12
STUDY = "study"  # folder of the smoke study
PROBABILITY = "probability"
Found = Iterator[tuple[str, str]]


def main() -> None:
    """Run a step and print what it finds, a marked line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cpu", action="store_true")
    parser.add_argument("step", choices=list(STEPS))
    words = parser.parse_args()
    try:
        for what, found in STEPS[words.step](options_of(words.cpu), words.folder):
            print(f"{MARK}{what}: {found}", flush=True)
    except StudyError as error:
        sys.exit(f"error: {error}")


def options_of(cpu: bool) -> argparse.Namespace:
    """Return the options of a run on a GPU, or of a dry one."""
    options = training.parse(WORDS[cpu].split())
    options.cpu, options.length = cpu, LENGTH[cpu]
    return options


def device(options: argparse.Namespace, folder: Path) -> Found:
    """Say what is there."""
    chosen = open_device(options.device, options.threads, "gpu.sh")
    yield "device", describe_device(chosen)
    yield "memory free", f"{free_memory(chosen) >> 20:,} MiB"
    yield "machine", describe_machine("torch", "torchvision", "timm")
    if chosen.type == "cuda":
        nccl_version = ".".join(map(str, torch.cuda.nccl.version()))
        yield "CUDA, cuDNN, NCCL", f"{torch.version.cuda}, {torch.backends.cudnn.version()}, {nccl_version}"


def repeat(options: argparse.Namespace, folder: Path) -> Found:
    """Compare the weights of two runs, each a process of its own."""
    first, second = (run(asked(options, folder, name)) for name in ("first", "second"))
    yield "weights of two runs", compared(first["weights"], second["weights"])
    yield "kernels that may not repeat", "; ".join(first["unrepeatable"]) or "none"
    (folder / "weights").write_text(first["weights"])


def streamed(options: argparse.Namespace, folder: Path) -> Found:
    """Compare the weights of a run with streamed images with those of resident ones."""
    found = run(replace(asked(options, folder, "streamed"), images="streaming"))
    yield "weights with streamed images", compared(reference(folder), found["weights"])


def resume(options: argparse.Namespace, folder: Path) -> Found:
    """Compare the weights of a run that got SIGTERM within its second epoch and went on."""
    whole = asked(options, folder, "resumed")
    stop = options.images // options.batch
    ended = subprocess.run(replace(whole, stop=stop).command)
    yield f"exit code after SIGTERM in step {stop + 1} of {options.length}", str(ended.returncode)
    yield "weights after going on", compared(reference(folder), run(whole)["weights"])


def two(options: argparse.Namespace, folder: Path) -> Found:
    """Run two trainings at once: their speed beside that of one alone, and their weights."""
    fast = Asked(vars(options))
    [alone], pair = together([fast]), together([fast, fast])
    yield f"{training.setting(options)}, one alone", f"{alone['rate']:,.0f} img/s, {alone['memory']:,} MiB"
    rates = [one["rate"] for one in pair]
    both = " + ".join(f"{rate:,.0f}" for rate in rates)
    yield "two at once", f"{both} img/s, {sum(rates) / alone['rate']:.2f} times one alone"
    pair = together([asked(options, folder, name) for name in ("left", "right")])
    same = dict.fromkeys(compared(reference(folder), one["weights"]) for one in pair)
    yield "weights of two at once", " and ".join(same)


def nccl(options: argparse.Namespace, folder: Path) -> Found:
    """Run each collective of a training in a group of one process: NCCL takes a GPU for each."""
    chosen = open_device(options.device, options.threads)
    packed, targets = make_images(options, folder)
    resident = packed.resident(chosen)
    with group(chosen, folder) as ranks:
        summed, highest = ranks.sum(torch.ones(3, device=chosen)), ranks.highest(7)
        yield "sum and maximum", right(summed.tolist() == [1, 1, 1] and highest == 7)
        plan = our_training(options, chosen, resident, targets).sampler
        sharded = ShardedImages(packed, Ranks(chosen))
        with closing(sharded.batches(plan.batches(0))) as batches:
            pairs = zip(batches, resident.batches(plan.batches(0)), strict=True)
            same = all(torch.equal(one, other) for (one, _), (other, _) in islice(pairs, 5))
        yield "images handed round", right(same)
        plain = after_steps(options, our_training(options, chosen, resident, targets))
        wrapped = after_steps(options, our_training(options, chosen, resident, targets), ranks)
        yield "weights with DistributedDataParallel", compared(plain, wrapped)


@contextmanager
def group(chosen: torch.device, folder: Path) -> Iterator[Ranks]:
    """Open a group of one process; it is called one of two, so that no collective is left out."""
    name = "nccl" if chosen.type == "cuda" else "gloo"
    dist.init_process_group(name, init_method=f"file://{folder}/group", rank=0, world_size=1)
    try:
        yield Ranks(chosen, 0, 2)
    finally:
        gc.collect()  # what uses the group must be gone before it
        dist.destroy_process_group()


def after_steps(options: argparse.Namespace, ours: Training, ranks: Ranks | None = None) -> str:
    """Do some steps, with the network as ``ranks`` wrap it; return a digest of the weights."""
    if ranks is not None:
        example = torch.zeros(2, 1, options.size, options.size, device=ranks.device)
        ours.step = replace(ours.step, network=ranks.wrap(ours.state.model, example, False))
    train_mode(ours.state.model)
    batches = ours.images.batches(ours.sampler.batches(0))
    for number, batch in enumerate(islice(batches, options.length)):
        ours.step(number, *batch)
    return digest(ours.state.model)


def study(options: argparse.Namespace, folder: Path) -> Found:
    """Run the smoke study, two stages at once."""
    (folder / STUDY).mkdir()
    made = copy_repository(folder / STUDY, "smoke.yaml")
    if options.cpu:
        made.keep("resnet50_bert_separate", "resnet50_t5_mixup_replenished")
    call(["dvc", "repro", "--quiet", "code", "settings"], made.folder)
    start = time.perf_counter()
    call(["python", "-m", "tools.jobs", "2"], made.folder)
    yield "JOBS=2", f"{time.perf_counter() - start:.0f} s"
    costs = [json.loads(path.read_text()) for path in sorted(made.folder.glob("models/*/0/cost.json"))]
    devices = " and ".join(sorted({cost["device"] for cost in costs}))
    yield "trainings", f"{len(costs)} on {devices}, at most {max(c['peak_memory_mib'] for c in costs):,} MiB"
    table = json.loads((made.folder / "reports/table1.json").read_text())
    yield "mAP of Table 1", ", ".join(f"{row['mAP']:.4f}" for row in table.values())


def predict(options: argparse.Namespace, folder: Path) -> Found:
    """Predict the study's images by an ensemble, here and on the CPU."""
    made, tables = folder / STUDY, []
    images, ensembles = (made / "data/raw/nih/images").rglob("*.png"), sorted(made.glob("ensembles/*/0"))
    if not ensembles:
        raise StudyError("no ensemble; expected the step study before")
    chosen = list(map(str, islice(images, 16)))
    for number, name in enumerate((options.device, "cpu")):
        start, out = time.perf_counter(), folder / f"{number}.csv"
        command = ["python", "-m", "cxrlt", "predict", *chosen, "--device", name, "--out", str(out)]
        call([*command, "--ensemble", str(ensembles[0])], made)
        yield f"{len(chosen)} images on {name}", f"{time.perf_counter() - start:.1f} s"
        with out.open(newline="") as stream:
            tables.append([float(row[PROBABILITY]) for row in csv.DictReader(stream)])
    yield "largest difference of a probability", f"{np.abs(np.subtract(*tables)).max():.2g}"


def grid(options: argparse.Namespace, folder: Path) -> Found:
    """Measure images per second, and say how long the published study takes at the best rates."""
    chosen = open_device(options.device, options.threads)
    published = parse_params(yaml.safe_load(PROFILE.read_text(encoding="utf-8")), str(PROFILE))
    options.query, best = published.query.model_dump(), dict[str, float]()
    for model, size, compile_, batches in CASES[options.cpu]:
        changes = {"model": model, "size": size, "compile": compile_, "batches": batches}
        changes |= {"steps": min(options.steps, GRID_STEPS), "turns": 1}
        case = argparse.Namespace(**{**vars(options), **changes})
        for batch, contestants in saturate(case, chosen, make_images(case, folder), batches[0]):
            case.batch = batch
            yield training.setting(case), rates_of(contestants)
            if contestants is not None and size == 224 and not compile_:
                rate = float(np.median(contestants["resident"].rates))
                best[model] = max(rate, best.get(model, 0))
        if best.keys() == {encoder.model for encoder in published.image_encoders.values()}:
            yield "published study, 224 px, eager", f"{hours(published, best):,.0f} hours for its trainings"
            best = {}


def rates_of(contestants: Contestants | None) -> str:
    """Say how fast each loop is, and its share of the bare network."""
    if contestants is None:
        return "out of memory"
    rates = {name: float(np.median(contestant.rates)) for name, contestant in contestants.items()}
    bare = rates.pop("bare")
    ours = ", ".join(f"{name} {rate:,.0f} ({rate / bare:.2f})" for name, rate in rates.items())
    return f"bare {bare:,.0f} img/s, {ours}; {contestants['resident'].memory:,} MiB"


def asked(options: argparse.Namespace, folder: Path, name: str) -> Asked:
    """Return a training of resident images to its end, with checkpoints of its own."""
    return Asked(vars(options), checkpoints=str(folder / name))


def run(what: Asked) -> dict[str, Any]:
    """Train, and return what came of it."""
    return together([what])[0]


def together(trainings: Sequence[Asked]) -> list[dict[str, Any]]:
    """Train at once, and return what came of each; StudyError if one fails."""
    processes = [subprocess.Popen(one.command, stdout=subprocess.PIPE, text=True) for one in trainings]
    said = [process.communicate()[0].strip() for process in processes]
    for process, words in zip(processes, said, strict=True):
        if process.returncode:
            raise StudyError(f"a training ended with exit code {process.returncode}: {words}")
    return [json.loads(words.splitlines()[-1]) for words in said]


def call(command: Sequence[str], where: Path) -> None:
    """Run a command of the study in its folder; StudyError if it fails."""
    if code := subprocess.run(command, cwd=where, env=ENVIRONMENT).returncode:
        raise StudyError(f"{' '.join(command[:4])}: exit code {code}")


def reference(folder: Path) -> str:
    """Return the weights that the step repeat has found."""
    path = folder / "weights"
    if not path.exists():
        raise StudyError("no weights to compare with; expected the step repeat before")
    return path.read_text()


def compared(one: str, other: str) -> str:
    """Say whether two digests are the same."""
    return "the same, to the bit" if one == other else f"DIFFERENT: {one} and {other}"


def right(true: bool) -> str:
    """Say whether something is as it should be."""
    return "right" if true else "WRONG"


STEPS: dict[str, Callable[[argparse.Namespace, Path], Found]] = {
    step.__name__: step for step in (device, repeat, streamed, resume, nccl, two, study, predict, grid)
}

if __name__ == "__main__":
    main()
