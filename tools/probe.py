"""How fast this machine does the parts of a study, each timed for a few seconds on random images."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import numpy as np
import torch

from cxrlt_core.batches.images import PackedImages, PixelStats
from cxrlt_core.batches.sharding import place_images
from cxrlt_core.losses import build_loss
from cxrlt_core.metrics.bootstrap import resample_patients
from cxrlt_core.metrics.scores import resample_ranks
from cxrlt_core.model.classifier import new_model
from cxrlt_core.model.image_encoder import load_network
from cxrlt_core.packing.decode import Geometry, decode
from cxrlt_core.packing.files import file_stamp, find_files
from cxrlt_core.params.schema import Params
from cxrlt_core.people import without_people
from cxrlt_core.prediction.inference import Scorer, predict
from cxrlt_core.sources import find_reader
from cxrlt_core.splits.carving import label_space
from cxrlt_core.study.recipes import geometries, resolved
from cxrlt_core.study.variants import designs_of, loss_of
from cxrlt_core.system.device import open_device, peak_memory
from cxrlt_core.system.distributed import Ranks
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import read_parquet
from cxrlt_core.training.build import TrainingData, TrainingSettings, build_training
from stages.artifacts.code import fingerprint
from stages.artifacts.models import describe_model, image_encoder_spec, read_embeddings
from stages.artifacts.settings import training_settings

BURN_IN, STEPS = 2, 8  # steps that a probe leaves out, and those that it times
SECONDS = 30.0  # it ends sooner if they are slow
FILES = 16  # that are decoded to time packing
BACKWARD = 3.0  # a training step to a forward pass, where nothing is measured
PIXELS = PixelStats(0.5, 0.25)


@dataclass(frozen=True)
class Probe:
    """What a training does here."""

    trained: float  # images a second
    predicted: float  # images a second
    memory: int  # MiB
    weights: int  # bytes


def probe(params: Params, variant: str, classes: Sequence[str]) -> Probe:
    """Build the training of a variant, and time it and its predictions on random images."""
    device = open_device(params.compute.device, params.compute.threads)
    whole, chosen, ranks = resolved(params, variant), params.variants[variant], Ranks(device)
    encoder = image_encoder_spec(params, variant)
    config = describe_model(params, variant, list(classes), PIXELS, encoder)
    key = f"image_encoders.{chosen.image}"
    network, _ = load_network(params.image_encoders[chosen.image], encoder, config.image_size, key)
    generator, count = np.random.default_rng(0), 2 * whole.train.batch_size
    side = config.image_size
    pixels = generator.integers(0, 256, (count, side, side), dtype=np.uint8)
    targets = generator.integers(-1, 2, (count, len(classes))).astype(np.int8)
    packed = PackedImages({"": pixels}, [""] * count, np.arange(count))
    model = new_model(config, network, read_embeddings(chosen.text, classes), targets)
    images = place_images(packed, whole.train.resident, ranks)
    data = TrainingData(images, targets, classes, np.ones(len(classes)), PIXELS)
    endless = whole.train.model_copy(update={"epochs": None, "steps": 10**6})
    loss = build_loss(loss_of(params, variant), targets)
    training = build_training(
        model, data, TrainingSettings(endless, loss, 0, designs_of(params, variant)), ranks
    )
    batches = images.batches(training.sampler.batches(0))
    step = timed(lambda number: training.step(number, *next(batches)), device)
    trained, batch = count / training.schedule.steps_per_epoch / step, params.compute.batch_size
    shown, scorer = packed.take(np.resize(np.arange(count), batch)), Scorer(model, PIXELS, config.precision)
    seconds = timed(lambda _: predict(scorer, shown, device, batch), device)
    weights = sum(tensor.nbytes for tensor in model.state_dict().values())
    return Probe(trained, batch / seconds, peak_memory(device), weights)


def timed(work: Callable[[int], object], device: torch.device) -> float:
    """Return the median seconds of a piece of work, which gets its number, after a few to warm up."""
    seconds: list[float] = []
    for number in range(BURN_IN + STEPS):
        start = time.perf_counter()
        work(number)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - start)
        if sum(seconds) > SECONDS:
            break
    return median(seconds[BURN_IN:] or seconds)


def probes(params: Params, jobs: int) -> dict[str, Probe]:
    """Time each distinct training, so many at once, each in a process of its own; by variant."""
    classes = label_space(without_people(read_parquet(f"data/labels/{params.data.primary}.parquet")))
    alike: dict[str, list[str]] = {}
    for name in params.variants:
        settings = training_settings(params, name)
        for key in ("weights", "data", "init"):  # the same work, on other numbers
            settings["variant"].pop(key)
        alike.setdefault(fingerprint(settings), []).append(name)
    with ProcessPoolExecutor(jobs, get_context("spawn"), max_tasks_per_child=1) as pool:
        measured = pool.map(probe, repeat(params), [names[0] for names in alike.values()], repeat(classes))
        return {name: each for names, each in zip(alike.values(), measured, strict=True) for name in names}


def pack_seconds(params: Params, source: str) -> float | None:
    """Return how long packing a source takes on all cores, by a few of its files; None without files."""
    paths = read_parquet(f"data/labels/{source}.parquet", ["path"])["path"]
    some = paths.sample(min(FILES, len(paths)), random_state=0).tolist()
    folders = find_reader(params.data.sources[source].reader).IMAGE_FOLDERS
    files = find_files(some, Path(params.data.sources[source].images), folders)
    there = [file for file in files if file_stamp(file)]
    shapes = {Geometry(image.size, image.fit) for image in (params.image, *geometries(params).values())}
    start = time.process_time()
    for file in there:
        for geometry in shapes:
            with suppress(StudyError):
                decode(file, geometry)
    taken = time.process_time() - start
    return taken / len(there) * len(paths) / len(os.sched_getaffinity(0)) if there else None


def score_seconds(params: Params, images: int) -> float:
    """Return how long the ranking of one row's predictions takes, on all resamples of the patients."""
    generator = np.random.default_rng(0)
    targets = generator.integers(0, 2, (images, len(params.label_space.classes))).astype(np.int8)
    scores = generator.random(targets.shape, np.float32)
    patients = [str(number // 2) for number in range(images)]
    device = open_device(params.compute.device, params.compute.threads)
    start = time.perf_counter()
    resample_ranks(targets, scores, resample_patients(patients, params.bootstrap.resamples, 0), device)
    return time.perf_counter() - start


def start_seconds() -> float:
    """Return how long a stage takes to begin: DVC, Python and what it loads."""
    start = time.perf_counter()
    for command in (["dvc", "version"], [sys.executable, "-c", "import stages.train"]):
        subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def elsewhere(measured: Mapping[str, Probe], rate: float) -> dict[str, Probe]:
    """Return what trainings do on a device that is not here: one rate for all, in images a second."""
    return {name: Probe(rate, BACKWARD * rate, each.memory, each.weights) for name, each in measured.items()}
