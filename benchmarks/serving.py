"""Time of `cxrlt predict` against its necessary parts: the bare network, and decoding alone.

CPU time is the cost of the command on shared cores; images per second are what a user sees.

Usage: python -m benchmarks.serving <folder of a model> <images> [--threads 1] [--device auto]
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch

from benchmarks.machine import describe_machine
from cxrlt_core import load_model
from cxrlt_core.prediction.inference import prepare
from cxrlt_core.serving.image_files import decoded, find_images
from cxrlt_core.serving.predictor import Predictor
from cxrlt_core.system.device import autocast

BATCH, ROUNDS = 64, 3


def main() -> None:
    """Print a line per rival: the best of some rounds, in turns."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("images", nargs="+")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    model, paths = load_model(options.model, options.device, options.threads), find_images(options.images)
    [geometry] = model.geometries
    pixels = np.stack(list(decoded(paths, geometry, options.threads)))[:, None]
    rivals = {
        "bare network, pixels on the device": lambda: run_network(model, pixels),
        "decoding alone": lambda: list(decoded(paths, geometry, options.threads)),
        "predict": lambda: model.predict(paths, batch_size=BATCH, threads=options.threads),
    }
    best = {name: np.full(2, np.inf) for name in rivals}
    for _ in range(ROUNDS):
        for name, rival in rivals.items():
            best[name] = np.minimum(best[name], seconds(rival, model.device))
    print(f"{len(paths)} images, {geometry.size} pixels, {options.threads} threads, {describe_machine()}")
    for name, (wall, cpu) in best.items():
        print(f"{name:<36}{len(paths) / wall:8.0f} images/s{1000 * cpu / len(paths):8.2f} ms of CPU an image")


@torch.inference_mode()
def run_network(model: Predictor, pixels: np.ndarray) -> None:
    """Pass all pixels through the network of a model."""
    [member] = model.members
    images = torch.from_numpy(pixels).to(model.device)
    for start in range(0, len(images), BATCH):
        prepared = prepare(images[start : start + BATCH], member.config.pixels)
        with autocast(model.device, member.config.precision):
            member.network(prepared)


def seconds(work: Callable[[], object], device: torch.device) -> tuple[float, float]:
    """Return the wall-clock seconds of some work, the device's included, and its CPU seconds."""
    start, cpu = time.perf_counter(), time.process_time()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start, time.process_time() - cpu


if __name__ == "__main__":
    main()
