"""Training loops over the same network: ours, the bare network, and a standard DataLoader loop."""

import argparse
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

from benchmarks.machine import peak_memory
from cxrlt_core.batches.augment import Augment
from cxrlt_core.batches.images import Images, PackedImages, PixelStats, normalise
from cxrlt_core.batches.streaming import StreamedImages
from cxrlt_core.labels import CLASSES
from cxrlt_core.losses import mean_loss
from cxrlt_core.losses.bce import bce
from cxrlt_core.model.classifier import ModelConfig, new_model
from cxrlt_core.model.image_encoder import build_network
from cxrlt_core.params.training import Train
from cxrlt_core.system.device import autocast, compiled
from cxrlt_core.system.distributed import Ranks
from cxrlt_core.training.build import TrainingData, TrainingSettings, build_training
from cxrlt_core.training.loop import Training

PIXELS = PixelStats(0.5, 0.25)
AUGMENT = Augment(
    rotate=6, shift=0.05, scale=0.06, brightness=0.1, contrast=0.1, gamma=0, erase=0, flip=False
)
BURN_IN = 3  # steps of every turn that are not timed
Step = Callable[[], None]


@dataclass
class Contestant:
    """One way to train: a function that does a step, and the measurements of its turns."""

    name: str
    step: Step
    rates: list[float] = field(default_factory=list)  # images per second
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


def make_images(options: argparse.Namespace, folder: Path) -> tuple[PackedImages, np.ndarray]:
    """Write random images to a mapped file; return them and random targets, int8 (N, C)."""
    generator = np.random.default_rng(0)
    shape = (options.images, options.size, options.size)
    np.save(folder / "images.npy", generator.integers(0, 256, shape, dtype=np.uint8))
    targets = generator.integers(-1, 2, (options.images, len(CLASSES))).astype(np.int8)
    mapped = np.load(folder / "images.npy", mmap_mode="r")
    return PackedImages({"s": mapped}, ["s"] * options.images, range(options.images)), targets


def place(name: str, packed: PackedImages, device: torch.device) -> Images:
    """Images of the contestant ``resident`` or ``streaming``."""
    return packed.resident(device) if name == "resident" else StreamedImages(packed, device)


def network(options: argparse.Namespace, device: torch.device) -> nn.Module:
    """The model that all contestants train."""
    torch.manual_seed(0)
    config = ModelConfig(
        list(CLASSES), options.model, {}, None, options.size, *PIXELS, "random", options.query, "squash",
        options.precision, AUGMENT.model_dump(), {"separate": {}}, [],
    )  # fmt: skip
    embeddings = np.random.default_rng(0).normal(size=(len(CLASSES), 64))
    encoder = build_network(options.model, {})
    model = new_model(config, encoder, embeddings, np.zeros((1, len(CLASSES)), np.int8))
    return model.to(device, memory_format=torch.channels_last).train()


def our_training(
    options: argparse.Namespace,
    device: torch.device,
    images: Images,
    targets: np.ndarray,
    steps: int = 10**6,
) -> Training:
    """Our loop, of so many steps."""
    settings = Train(
        epochs=None, steps=steps, batch_size=options.batch, seeds=[0], learning_rate=1e-4, weight_decay=0.01,
        warmup=0.1, precision=options.precision, augment=AUGMENT, accumulate=1, clip=None, ema=None,
        compile=options.compile, resident="auto", sync_batchnorm=False, checkpoint_minutes=10, monitor=0,
    )  # fmt: skip
    data = TrainingData(images, targets, CLASSES, np.ones(len(CLASSES)), PIXELS)
    return build_training(network(options, device), data, TrainingSettings(settings, bce, 0), Ranks(device))


def ours(options: argparse.Namespace, device: torch.device, images: Images, targets: np.ndarray) -> Step:
    """A step of our loop."""
    training = our_training(options, device, images, targets)
    numbered = enumerate(images.batches(training.sampler.batches(0)))

    def step() -> None:
        number, batch = next(numbered)
        training.step(number, *batch)

    return step


def bare(
    options: argparse.Namespace, device: torch.device, packed: PackedImages, targets: np.ndarray
) -> Step:
    """A step on one prepared batch."""
    first = normalise(packed.gather(np.arange(options.batch)).to(device), *PIXELS)
    return loop(options, device, cycle([(first, torch.from_numpy(targets[: options.batch]).to(device))]))


def loop(options: argparse.Namespace, device: torch.device, batches: Iterator[tuple[Tensor, Tensor]]) -> Step:
    """A standard training step."""
    model = network(options, device)
    compiled_model = compiled(model, device) if options.compile else model
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.01, fused=True)
    weights = torch.ones(len(CLASSES), device=device)

    def step() -> None:
        images, labels = (part.to(device, non_blocking=True) for part in next(batches))
        with autocast(device, options.precision):
            logits = compiled_model(images.contiguous(memory_format=torch.channels_last))
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


def wait(device: torch.device) -> None:
    """Wait for the work queued on a GPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def reset_peak(device: torch.device) -> None:
    """Reset the peak memory."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    else:
        Path("/proc/self/clear_refs").write_text("5")


def peak(device: torch.device) -> int:
    """Peak memory of the GPU or of this process, without its workers, in MiB."""
    return torch.cuda.max_memory_allocated(device) >> 20 if device.type == "cuda" else peak_memory()


def utilisation(device: torch.device, cores: float) -> float:
    """Share of time that the GPU is busy, as its driver reports; on the CPU, of the threads used."""
    if device.type != "cuda":
        return cores / torch.get_num_threads()
    try:
        return torch.cuda.utilization(device) / 100
    except Exception:  # the driver's library may be missing
        return float("nan")
