"""Networks, image sizes and batch sizes up to saturation, and the hours of the published study."""

import argparse
import gc
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
import yaml
from torch import nn

from benchmarks.loops import Contestant, bare, make_images, ours, place
from cxrlt_core.batches.images import PackedImages
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.markdown import markdown_table
from cxrlt_core.study.parse import parse_params
from cxrlt_core.system.device import compiled

PROFILE = Path(__file__).parents[1] / "profiles" / "paper.yaml"
IMAGES = {"primary": 264_849, "replenished": 586_900}  # training images of the published study
GAIN = 1.03  # in images per second; the search ends where a doubled batch gains less
GPUS = 8
LOOPS = ("bare", "resident", "streaming")
HEADER = [
    "network", "px", "compiled", "batch", "bare, img/s", "resident", "streaming", "resident / bare",
    "streaming / bare", "peak memory", "utilisation",
]  # fmt: skip
Contestants = dict[str, Contestant]


def grid(options: argparse.Namespace, device: torch.device, folder: Path) -> None:
    """Print a table of rates, then the projected hours."""
    study = parse_params(yaml.safe_load(PROFILE.read_text(encoding="utf-8")), str(PROFILE))
    published = study.train.batch_size
    print(
        f"Precision {options.precision}; the published study's query network; medians of {options.turns}"
        f" turn(s) of {options.steps} steps; {options.images:,} images; no MixUp. Peak memory and utilisation"
        " are those of the resident loop.\n"
    )
    print(markdown_table(HEADER, []), end="")
    usual, best = {}, {}
    for size, compile_, model in _cases(options, device):
        case = _with(options, size=size, compile=compile_, model=model, query=study.query.model_dump())
        for batch, contestants in saturate(case, device, make_images(case, folder), published):
            print(_line(case, batch, contestants), flush=True)
            if contestants is not None:
                rate = _rate(contestants, "resident")
                rates = best.setdefault((size, compile_), {})
                rates[model] = max(rate, rates.get(model, 0))
                if batch == published:
                    usual.setdefault((size, compile_), {})[model] = rate
    print("\n" + projection(study, {f"{published}": usual, "the fastest": best}), end="")


def _cases(options: argparse.Namespace, device: torch.device) -> Iterator[tuple[int, bool, str]]:
    """Yield size, whether to compile, and network."""
    plain = nn.Identity()
    choices = [False] if options.eager or compiled(plain, device) is plain else [False, True]
    for size in options.sizes:
        for compile_ in choices:
            for model in options.models:
                yield size, compile_, model


def saturate(
    options: argparse.Namespace, device: torch.device, data: tuple[PackedImages, np.ndarray], at_least: int
) -> Iterator[tuple[int, Contestants | None]]:
    """Double the batch until the rate stops rising; yield the measurements, None if memory runs out."""
    (batch, last), rate = options.batches, 0.0
    while batch <= min(last, options.images):
        contestants = measure(_with(options, batch=batch), device, *data)
        _release(device)
        yield batch, contestants
        if contestants is None or (batch >= at_least and _rate(contestants, "resident") < GAIN * rate):
            return
        rate, batch = _rate(contestants, "resident"), 2 * batch


def measure(
    options: argparse.Namespace, device: torch.device, packed: PackedImages, targets: np.ndarray
) -> Contestants | None:
    """Train the loops one after another, each with all of the memory; None if it runs out."""
    contestants = {}
    try:
        for name in LOOPS:
            if name == "bare":
                step = bare(options, device, packed, targets)
            else:
                step = ours(options, device, place(name, packed, device), targets)
            contestants[name] = Contestant(name, step)
            for _ in range(options.turns):
                contestants[name].turn(options.steps, options.batch, device)
            del step, contestants[name].step
            _release(device)
    except torch.OutOfMemoryError:
        return None
    return contestants


def hours(study: Params, rates: Mapping[str, float]) -> float:
    """Hours of all trainings of a study on one device.

    Args:
        study: its variants and epochs.
        rates: images per second by name of the network.
    """
    seconds = 0.0
    for variant in study.variants.values():
        shown = study.train.epochs * IMAGES[variant.data]
        seconds += shown / rates[study.image_encoders[variant.image].model]
    return seconds / 3600


def projection(study: Params, measured: Mapping[str, Mapping[tuple[int, bool], Mapping[str, float]]]) -> str:
    """Return a table of hours.

    Args:
        study: the published one.
        measured: for each choice of the batch, images per second by (size, compiled) and network.
    """
    needed = {study.image_encoders[variant.image].model for variant in study.variants.values()}
    rows = []
    for batch, cases in measured.items():
        for (size, compile_), rates in cases.items():
            if needed <= rates.keys():
                alone = hours(study, rates)
                rows.append([f"{size}", _yes(compile_), batch, f"{alone:,.1f}", f"{alone / GPUS:,.1f}"])
    if not rows:
        return f"No projected hours: they take one batch of each of {', '.join(sorted(needed))}.\n"
    text = (
        f"Projected hours of the published study's {len(study.variants)} trainings of {study.train.epochs}"
        f" epochs ({IMAGES['primary']:,} images, replenished {IMAGES['replenished']:,}), at the resident"
        f" rate and without evaluation. {GPUS} devices: as if the rate grew with their number, which was"
        " not measured.\n\n"
    )
    return text + markdown_table(["px", "compiled", "batch", "1 device", f"{GPUS} devices"], rows)


def _line(options: argparse.Namespace, batch: int, contestants: Contestants | None) -> str:
    """Return one line of the table; they are printed one by one, as a run takes hours."""
    return f"| {' | '.join(_row(options, batch, contestants))} |"


def _row(options: argparse.Namespace, batch: int, contestants: Contestants | None) -> list[str]:
    case = [options.model, f"{options.size}", _yes(options.compile), f"{batch}"]
    if contestants is None:
        return [*case, "out of memory", *[""] * 6]
    rates = [_rate(contestants, name) for name in LOOPS]
    ratios = [f"{rate / rates[0]:.2f}" for rate in rates[1:]]
    busy = float(np.median(contestants["resident"].busy))
    return [
        *case, *(f"{rate:,.0f}" for rate in rates), *ratios, f"{contestants['resident'].memory:,} MiB",
        "–" if np.isnan(busy) else f"{100 * busy:.0f} %",
    ]  # fmt: skip


def _rate(contestants: Contestants, name: str) -> float:
    return float(np.median(contestants[name].rates))


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _with(options: argparse.Namespace, **changes: object) -> argparse.Namespace:
    return argparse.Namespace(**{**vars(options), **changes})


def _release(device: torch.device) -> None:
    """Free memory, including that of compiled networks."""
    torch.compiler.reset()
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
