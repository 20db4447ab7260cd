"""Speed of packing images on one core, against plain Pillow and torchvision in the same run.

Usage: python -m benchmarks.packing [--images N] [--size PIXELS …] [--noise LEVELS] [--repeats R]

Rates are images per second of CPU time, which other programs affect little, and of real time;
of the whole packing, CPU time is that of all its processes.
"""

import argparse
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, features

from benchmarks.machine import describe_machine, peak_memory
from benchmarks.radiographs import write_deep, write_jpegs
from cxrlt_core.packing.decode import Geometry, decode
from cxrlt_core.packing.files import ImageFiles
from cxrlt_core.packing.pack import pack_images
from cxrlt_core.reporting.markdown import markdown_table

STUDY, CORES = 586_900, 16  # images of all three sources; cores of the projection
COPIES = 16  # repeats of each file, so that the start does not count
PLAIN, FLOOR = "plain Pillow, bicubic (its default)", "floor: entropy decoding alone"

Seconds = tuple[float, float]  # of CPU and of real time, per image


def main() -> None:
    """Write the images, then measure each size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=12)
    parser.add_argument("--size", type=int, nargs="+", default=[224, 512])
    parser.add_argument("--noise", type=float, default=1.9, help="grey levels; decides the size of the files")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    print(describe_machine("pillow", "torchvision", "pydicom"))
    with tempfile.TemporaryDirectory() as folder:
        jpegs = write_jpegs(Path(folder), arguments.images, arguments.noise)
        deep = write_deep(Path(folder), min(3, arguments.images), arguments.noise)
        print(describe_files(jpegs))
        for size in arguments.size:
            measure(size, jpegs, deep, arguments.repeats)


def describe_files(jpegs: list[Path]) -> str:
    """Return number, shape and mean size of the files, and the decoding library."""
    size = np.mean([path.stat().st_size for path in jpegs])
    width, height = Image.open(jpegs[0]).size
    return (
        f"{len(jpegs)} grey JPEGs of {width}×{height} pixels, {size / 1e6:.2f} MB on average, "
        f"{8 * size / (width * height):.2f} bits a pixel; libjpeg-turbo {features.version('libjpeg_turbo')}"
    )


def measure(size: int, jpegs: list[Path], deep: dict[str, list[Path]], repeats: int) -> None:
    """Print the table of one size."""
    bicubic, bilinear = (partial(plain_pillow, size, name) for name in ("BICUBIC", "BILINEAR"))
    ours = partial(decode, geometry=Geometry(size, "squash"))
    methods = {
        PLAIN: bicubic,
        "plain Pillow, Lanczos": partial(plain_pillow, size, "LANCZOS"),
        "plain Pillow, bilinear": bilinear,
        "torchvision decode_jpeg and resize": partial(torch_resize, size),
        "decode": ours,
        FLOOR: decode_entropy,
    }
    jobs = {name: (method, jpegs) for name, method in methods.items()}
    jobs |= {f"decode, {kind} of 16 bits": (ours, paths) for kind, paths in deep.items()}
    seconds, memory = take_turns(jobs, repeats), {}
    for workers in sorted({1, len(os.sched_getaffinity(0))}):
        name = f"pack_images, workers: {workers}"
        # A separate process, so that peak memory is that of packing.
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            seconds[name], memory[name] = pool.submit(pack, COPIES * jpegs, size, workers).result()
    print_table(size, seconds, memory)
    print(
        f"\nFrom a bilinear resize at full resolution decode differs by {difference(ours, bilinear, jpegs)} "
        f"grey levels, bicubic by {difference(bicubic, bilinear, jpegs)}."
    )


def plain_pillow(size: int, resample: str, path: Path) -> np.ndarray:
    """Decode and resize an image as a plain script does."""
    image = Image.open(path).convert("L").resize((size, size), Image.Resampling[resample])
    return np.asarray(image)


def torch_resize(size: int, path: Path) -> np.ndarray:
    """Decode and resize an image with torchvision on one thread."""
    import torch  # late, so that packing processes do not load it
    from torchvision.io import ImageReadMode, decode_jpeg, read_file
    from torchvision.transforms.v2.functional import resize

    torch.set_num_threads(1)
    image = decode_jpeg(read_file(str(path)), ImageReadMode.GRAY)
    return resize(image, [size, size], antialias=True).numpy()


def decode_entropy(path: Path) -> None:
    """Decode at 1/8 scale and no more: no inverse cosine transform, no resize."""
    image = Image.open(path)
    image.draft("L", (image.width // 8, image.height // 8))
    image.load()


def take_turns(jobs: dict[str, tuple[Callable, list[Path]]], repeats: int) -> dict[str, Seconds]:
    """Return the median seconds per image of each method, in turns, after a warm-up round."""
    readings = {name: [] for name in jobs}
    for turn in range(repeats + 1):
        for name, (method, paths) in jobs.items():
            for path in paths:
                start = np.array((time.process_time(), time.perf_counter()))
                method(path)
                if turn:
                    readings[name].append((time.process_time(), time.perf_counter()) - start)
    return {name: tuple(np.median(seconds, axis=0)) for name, seconds in readings.items()}


def pack(paths: list[Path], size: int, workers: int) -> tuple[Seconds, str]:
    """Return the seconds per image of the whole packing, and its peak memory."""
    multiprocessing.set_start_method(None, force=True)  # start workers as in the study, not as here
    root = paths[0].parent
    images = ImageFiles([str(n) for n in range(len(paths))], [path.name for path in paths], root, ("",))
    start = time.process_time(), time.perf_counter()
    with tempfile.TemporaryDirectory(dir=root) as store:
        array = Path(store) / "images.npy"
        index = pack_images(images, array, Geometry(size, "squash"), workers)
    wall = time.perf_counter() - start[1]
    if index["reason"].notna().any():
        raise RuntimeError(index["reason"].dropna().iloc[0])
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = time.process_time() - start[0] + children.ru_utime + children.ru_stime
    largest = children.ru_maxrss // 1024
    memory = f"{peak_memory()} MiB" + (f" + {workers} × {largest} MiB" if workers > 1 else "")
    return (cpu / len(paths), wall / len(paths)), memory


def print_table(size: int, seconds: dict[str, Seconds], memory: dict[str, str]) -> None:
    """Print rates, their ratio to plain Pillow, and the hours of the published study."""
    base, floor = seconds[PLAIN][0], seconds[FLOOR][0]
    rows = [
        [
            name,
            f"{1 / cpu:.1f}",
            f"{1 / wall:.1f}",
            f"{base / cpu:.2f}",
            f"{STUDY * cpu / CORES / 3600:.2f}",
            memory.get(name, ""),
        ]
        for name, (cpu, wall) in seconds.items()
    ]
    header = ["", "images/s of CPU", "images/s", "× plain Pillow", f"hours, {CORES} cores", "peak memory"]
    print(f"\n### {size} pixels\n\n{markdown_table(header, rows)}")
    print(
        f"Entropy decoding takes {1e3 * floor:.1f} of the {1e3 * base:.1f} ms of plain Pillow, so whatever "
        f"decodes through Pillow is at most {base / floor:.1f} times as fast."
    )


def difference(method: Callable, reference: Callable, paths: list[Path]) -> str:
    """Return mean and maximum of the absolute difference."""
    absolute = np.array([np.abs(method(path) - reference(path).astype(int)) for path in paths])
    return f"{absolute.mean():.2f} (at most {absolute.max()})"


if __name__ == "__main__":
    main()
