"""Images per second of our training loop against the bare network and a standard DataLoader loop.

All contestants train the same network with the same optimiser, in turns, in one process:

    bare       forward, backward and optimiser step on one batch in the memory of the device: the ceiling
    resident   our loop, images in the memory of the device
    streaming  our loop, images in a mapped file
    usual      a DataLoader with a worker per core: JPEG files, torchvision transforms image by image

``--profile`` times the parts of a step of our loop; ``--grid`` searches the batch that saturates the device.

Usage: python -m benchmarks.training [--help]
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks.augmentation import compare_augmentation
from benchmarks.grid import grid
from benchmarks.loops import (
    AUGMENT,
    BURN_IN,
    Contestant,
    JpegLoader,
    bare,
    loop,
    make_images,
    our_training,
    ours,
    place,
)
from benchmarks.machine import describe_machine
from benchmarks.profile_step import profile_table
from cxrlt_core.reporting.markdown import markdown_table
from cxrlt_core.system.device import describe_device, open_device

OURS = ("resident", "streaming")
QUERY = {"width": 128, "layers": 1, "heads": 4, "feedforward": 256, "dropout": 0.1}


def main() -> None:
    """Print markdown tables."""
    options = parse()
    device = open_device(options.device, options.threads)
    print(f"{describe_machine('torch', 'torchvision', 'timm')}; {describe_device(device)}\n")
    if options.augment:
        print(compare_augmentation(AUGMENT, options.size, options.batch, device), end="")
        return
    with tempfile.TemporaryDirectory() as folder:
        if options.grid:
            grid(options, device, Path(folder))
        elif options.profile:
            print(profiles(options, device, Path(folder)), end="")
        else:
            print(compare_loops(options, device, Path(folder)), end="")


def compare_loops(options: argparse.Namespace, device: torch.device, folder: Path) -> str:
    """Train all contestants in turns."""
    print(
        f"{setting(options)}; {options.images:,} images; {options.turns} turns of {options.steps} steps"
        f" after {BURN_IN}; JPEG of {options.jpeg} px, {options.workers} workers.\n"
        "Memory and utilisation are those of this process, without the workers.\n"
    )
    contestants = build(options, device, folder)
    for _ in range(options.turns):
        for contestant in contestants:
            contestant.turn(options.steps, options.batch, device)
    return table(contestants)


def profiles(options: argparse.Namespace, device: torch.device, folder: Path) -> str:
    """Time the parts of a step of our loop."""
    print(f"{setting(options)}; {options.turns * options.steps} steps after {BURN_IN}.\n")
    packed, targets = make_images(options, folder)
    trainings = {name: our_training(options, device, place(name, packed, device), targets) for name in OURS}
    return profile_table(trainings, options.turns * options.steps, BURN_IN)


def setting(options: argparse.Namespace) -> str:
    """Describe the network and its training."""
    return (
        f"{options.model}, {options.size} px, batch {options.batch}, precision {options.precision}"
        f"{', compiled' if options.compile else ''}"
    )


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=2, help="compute threads on the CPU")
    parser.add_argument("--model", default="resnet10t", help="any timm network")
    parser.add_argument("--size", type=int, default=64, help="pixels")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--images", type=int, default=4096)
    parser.add_argument("--steps", type=int, default=20, help="of one turn")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--precision", choices=["auto", "bf16", "fp32"], default="auto")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--jpeg", type=int, default=256, help="pixels of the JPEG files")
    parser.add_argument("--workers", type=int, default=2, help="of the DataLoader")
    parser.add_argument("--augment", action="store_true", help="time the transforms alone")
    parser.add_argument("--profile", action="store_true", help="time the parts of a step of our loop")
    parser.add_argument(
        "--grid", action="store_true", help="networks, sizes and batches, and projected hours"
    )
    parser.add_argument("--models", nargs="+", default=["resnet50", "densenet121"], help="of the grid")
    parser.add_argument("--sizes", nargs="+", type=int, default=[224, 512], help="of the grid")
    parser.add_argument(
        "--batches", nargs=2, type=int, default=[16, 2048], help="of the grid: first and last"
    )
    parser.add_argument("--eager", action="store_true", help="the grid without compiled networks")
    parser.set_defaults(query=QUERY)
    return parser.parse_args(words)


def build(options: argparse.Namespace, device: torch.device, folder: Path) -> list[Contestant]:
    """Make the data and all contestants."""
    packed, targets = make_images(options, folder)
    loader = JpegLoader(options, targets, folder, device)
    ready = {name: ours(options, device, place(name, packed, device), targets) for name in OURS}
    return [
        Contestant("bare", bare(options, device, packed, targets)),
        *(Contestant(name, step) for name, step in ready.items()),
        Contestant("usual", loop(options, device, loader.batches())),
    ]


def table(contestants: list[Contestant]) -> str:
    """Medians over the turns; ratios are taken within a turn."""
    bare = np.array(contestants[0].rates)
    rows = []
    for contestant in contestants:
        rates, ratios = np.array(contestant.rates), np.array(contestant.rates) / bare
        spread = f"{rates.min():,.0f}–{rates.max():,.0f}"
        share = f"{np.median(ratios):.2f}"
        busy = f"{100 * np.median(contestant.busy):.0f} %"
        memory = f"{contestant.memory:,} MiB"
        rows.append([contestant.name, f"{np.median(rates):,.0f}", spread, share, memory, busy])
    return markdown_table(["loop", "img/s", "range", "of bare", "peak memory", "utilisation"], rows)


if __name__ == "__main__":
    main()
