"""Images a second of our training loop against the bare network and against the usual way of feeding it.

All contestants train the same network with the same optimiser, in turns, in one process:

    bare       forward, backward and optimiser step on one batch that is ready on the device: the ceiling
    resident   our loop, images in the memory of the device
    streaming  our loop, images in a mapped file
    usual      a DataLoader with a worker a core: JPEG files, torchvision transforms image by image

Usage: python -m benchmarks.training [--help]
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from benchmarks.augmentation import compare_augmentation
from benchmarks.machine import describe_machine, peak_memory
from cxrlt_core.device import autocast, compiled, describe_device, open_device
from cxrlt_core.images import Images, PackedImages, normalise
from cxrlt_core.labels import CLASSES
from cxrlt_core.losses import mean_loss
from cxrlt_core.losses.bce import bce
from cxrlt_core.markdown import markdown_table
from cxrlt_core.model import ModelConfig, new_model
from cxrlt_core.params import ImageEncoder
from cxrlt_core.streaming import StreamedImages
from cxrlt_core.train_params import Augment, Train
from cxrlt_core.training import Trainer

PIXELS = (0.5, 0.25)
AUGMENT = Augment(rotate=6, shift=0.05, scale=0.06, brightness=0.1, contrast=0.1)
QUERY = {"width": 128, "layers": 1, "heads": 4, "feedforward": 256, "dropout": 0.1}
BURN_IN = 3  # steps of every turn that are not timed
Step = Callable[[], None]


@dataclass
class Contestant:
    """One way to train: a function that does a step, and what its turns took."""

    name: str
    step: Step
    rates: list[float] = field(default_factory=list)  # images a second
    busy: list[float] = field(default_factory=list)  # share of the device, or of all cores
    memory: int = 0  # MiB

    def turn(self, steps: int, batch: int, device: torch.device) -> None:
        """Train some steps."""
        reset_peak(device)
        for _ in range(BURN_IN):
            self.step()
        wait(device)
        start, used = time.perf_counter(), time.process_time()
        for _ in range(steps):
            self.step()
        wait(device)
        seconds = time.perf_counter() - start
        self.rates.append(steps * batch / seconds)
        self.busy.append(utilisation(device, (time.process_time() - used) / seconds))
        self.memory = max(self.memory, peak(device))


def main() -> None:
    """Print a markdown table."""
    options = parse()
    device = open_device(options.device, options.threads)
    print(f"{describe_machine('torch', 'torchvision', 'timm')}; {describe_device(device)}\n")
    if options.augment:
        print(compare_augmentation(AUGMENT, options.size, options.batch, device), end="")
        return
    print(
        f"{options.model}, {options.size} px, batch {options.batch}, precision {options.precision}"
        f"{', compiled' if options.compile else ''}; {options.images:,} images; {options.turns} turns of"
        f" {options.steps} steps after {BURN_IN}; JPEG of {options.jpeg} px, {options.workers} workers.\n"
        "Memory and utilisation are those of this process, without the workers.\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        contestants = build(options, device, Path(folder))
        for _ in range(options.turns):
            for contestant in contestants:
                contestant.turn(options.steps, options.batch, device)
    print(table(contestants), end="")


def parse() -> argparse.Namespace:
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
    return parser.parse_args()


def build(options: argparse.Namespace, device: torch.device, folder: Path) -> list[Contestant]:
    """Make the data and all contestants."""
    generator = np.random.default_rng(0)
    shape = (options.images, options.size, options.size)
    np.save(folder / "images.npy", generator.integers(0, 256, shape, dtype=np.uint8))
    targets = generator.integers(-1, 2, (options.images, len(CLASSES))).astype(np.int8)
    mapped = np.load(folder / "images.npy", mmap_mode="r")
    packed = PackedImages({"s": mapped}, ["s"] * options.images, range(options.images))
    loader = JpegLoader(options, targets, folder, device)
    first = normalise(packed.gather(np.arange(options.batch)).to(device), *PIXELS)
    labels = torch.from_numpy(targets[: options.batch]).to(device)
    return [
        Contestant("bare", loop(options, device, cycle([(first, labels)]))),
        Contestant("resident", ours(options, device, packed.resident(device), targets)),
        Contestant("streaming", ours(options, device, StreamedImages(packed, device), targets)),
        Contestant("usual", loop(options, device, loader.batches())),
    ]


def network(options: argparse.Namespace, device: torch.device) -> nn.Module:
    """The same model for all."""
    torch.manual_seed(0)
    config = ModelConfig(list(CLASSES), options.model, {}, options.size, *PIXELS, "random", True, QUERY)
    embeddings = np.random.default_rng(0).normal(size=(len(CLASSES), 64))
    encoder = ImageEncoder(model=options.model, pretrained=False)
    model = new_model(config, encoder, embeddings, np.zeros((1, len(CLASSES)), np.int8), "--model")
    return model.to(device, memory_format=torch.channels_last).train()


def ours(options: argparse.Namespace, device: torch.device, images: Images, targets: np.ndarray) -> Step:
    """A step of our loop."""
    settings = Train(
        steps=10**6, batch_size=options.batch, seeds=[0], learning_rate=1e-4, weight_decay=0.01,
        precision=options.precision, augment=AUGMENT, compile=options.compile,
    )  # fmt: skip
    weights = np.ones(len(CLASSES))
    model = network(options, device)
    trainer = Trainer(model, images, targets, weights, bce, PIXELS, settings, None, 0, device)
    batches = images.batches(trainer.plan.draws(0))

    def step() -> None:
        trainer.train_step(*next(batches))
        trainer.step += 1

    return step


def loop(options: argparse.Namespace, device: torch.device, batches: Iterator[tuple[Tensor, Tensor]]) -> Step:
    """A step as it is usually written."""
    model = network(options, device)
    called = compiled(model, device) if options.compile else model
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.01, fused=True)
    weights = torch.ones(len(CLASSES), device=device)

    def step() -> None:
        images, labels = (part.to(device, non_blocking=True) for part in next(batches))
        with autocast(device, options.precision):
            logits = called(images.contiguous(memory_format=torch.channels_last))
        optimiser.zero_grad(set_to_none=True)
        mean_loss(*bce(logits, labels, weights)).backward()
        optimiser.step()

    return step


class JpegLoader(Dataset):
    """JPEG files, decoded, resized and transformed one at a time."""

    def __init__(
        self, options: argparse.Namespace, targets: np.ndarray, folder: Path, device: torch.device
    ) -> None:
        """Write the files."""
        self.options, self.targets, self.folder, self.device = options, targets, folder, device
        noise = np.random.default_rng(1).integers(0, 256, (32, 32), dtype=np.uint8)
        picture = Image.fromarray(noise).resize((options.jpeg, options.jpeg), Image.Resampling.BICUBIC)
        for number in range(options.images):
            picture.save(folder / f"{number}.jpg", quality=90)
        shift = (AUGMENT.shift, AUGMENT.shift)
        zoom = (1 - AUGMENT.scale, 1 + AUGMENT.scale)
        self.transform = v2.Compose(
            [
                v2.ToImage(),
                v2.Resize((options.size, options.size)),
                v2.RandomAffine(AUGMENT.rotate, shift, zoom, interpolation=v2.InterpolationMode.BILINEAR),
                v2.ColorJitter(AUGMENT.brightness, AUGMENT.contrast),
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize([PIXELS[0]], [PIXELS[1]]),
            ]
        )

    def __len__(self) -> int:
        """Return the number of images."""
        return self.options.images

    def __getitem__(self, number: int) -> tuple[Tensor, np.ndarray]:
        """Read an image."""
        with Image.open(self.folder / f"{number}.jpg") as image:
            return self.transform(image.convert("L")), self.targets[number]

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield batches without end."""
        loader = DataLoader(
            self, self.options.batch, shuffle=True, drop_last=True, num_workers=self.options.workers,
            pin_memory=self.device.type == "cuda", persistent_workers=self.options.workers > 0,
        )  # fmt: skip
        while True:
            yield from loader


def table(contestants: list[Contestant]) -> str:
    """Medians over the turns; ratios are taken within a turn."""
    bare = np.array(contestants[0].rates)
    rows = []
    for one in contestants:
        rates, ratios = np.array(one.rates), np.array(one.rates) / bare
        spread = f"{rates.min():,.0f}–{rates.max():,.0f}"
        share = f"{np.median(ratios):.2f}"
        busy = f"{100 * np.median(one.busy):.0f} %"
        rows.append([one.name, f"{np.median(rates):,.0f}", spread, share, f"{one.memory:,} MiB", busy])
    return markdown_table(["loop", "img/s", "range", "of bare", "peak memory", "utilisation"], rows)


def wait(device: torch.device) -> None:
    """Wait for the work queued on a GPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def reset_peak(device: torch.device) -> None:
    """Forget the peak memory so far."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    else:
        Path("/proc/self/clear_refs").write_text("5")


def peak(device: torch.device) -> int:
    """Peak memory of the GPU or of this process, without its workers, in MiB."""
    return torch.cuda.max_memory_allocated(device) >> 20 if device.type == "cuda" else peak_memory()


def utilisation(device: torch.device, cores: float) -> float:
    """Share of the GPU's time as its driver reports it; on the CPU, of the threads by this process."""
    if device.type != "cuda":
        return cores / torch.get_num_threads()
    try:
        return torch.cuda.utilization(device) / 100
    except Exception:  # the driver's library is not always there
        return float("nan")


if __name__ == "__main__":
    main()
