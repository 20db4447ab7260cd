"""The stages ensemble and report at the published study's size, on fabricated tables.

A clone of the last commit gets profiles/paper.yaml with several seeds, sets with the prevalences of CXR-LT,
probabilities of its variants and everything else that the two stages read; then they run.

Usage: python -m benchmarks.scale [--help]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from benchmarks.machine import describe_machine
from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.designs.reweight import reweightings
from cxrlt_core.labels import TRAINING_IMAGES, TRAINING_POSITIVES
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.markdown import markdown_table
from cxrlt_core.study.parse import parse_params
from cxrlt_core.study.variants import members
from cxrlt_core.system.files import write_json, write_parquet
from cxrlt_core.system.tensors import write_tensors
from stages.artifacts.paths import metrics_path, trained_path
from stages.artifacts.predictions import read_predictions
from stages.artifacts.sets import read_set
from stages.evaluate import metrics_of

ROOT = Path(__file__).parents[1]
PREVALENCES = np.array(list(TRAINING_POSITIVES.values())) / TRAINING_IMAGES
STAGES = ("ensemble", "report")


def main() -> None:
    """Print a markdown table, a row per stage."""
    options = parse()
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "study"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
        os.chdir(clone)
        params = write_params(options)
        fabricate(params, {"dev": options.dev, "test": options.test})
        rows = [measure(stage) for stage in STAGES]
    print(f"{describe_machine('torch')}\n")
    print(
        f"{len(members(params))} members, {options.dev:,} development and {options.test:,} test images, "
        f"{len(CLASSES)} classes, {options.seeds} seeds, {options.resamples:,} resamples, "
        f"{options.threads} threads; load of the machine {os.getloadavg()[2]:.1f}.\n"
    )
    print(markdown_table(["stage", "seconds", "CPU seconds", "peak memory"], rows))


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--dev", type=int, default=36_769, help="images")
    parser.add_argument("--test", type=int, default=75_492)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def write_params(options: argparse.Namespace) -> Params:
    """Write the params.yaml of the published study, with several seeds."""
    content = yaml.safe_load(Path("profiles/paper.yaml").read_text())
    content["train"]["seeds"] = list(range(options.seeds))
    content["bootstrap"]["resamples"] = options.resamples
    content["compute"] |= {"threads": options.threads, "device": "cpu"}
    content["report"]["show_images"] = False
    Path("params.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    return parse_params(content)


def fabricate(params: Params, sizes: Mapping[str, int]) -> None:
    """Write everything that the two stages read."""
    generator, counts, labelled = np.random.default_rng(0), {}, []
    for name, images in {**sizes, "train_primary": 1000, "train_replenished": 1000}.items():
        table = make_set(name, images, generator)
        write_parquet(f"data/sets/{name}.parquet", table)
        positive = table[list(CLASSES)].sum()
        classes = {
            c: {"positive": int(positive[c]), "negative": int(images - positive[c]), "unknown": 0}
            for c in CLASSES
        }
        sizes_of_set = {"patients": int(table["patient_id"].nunique()), "studies": images}
        counts[name] = {"images": images, **sizes_of_set, "classes": classes}
        if name in sizes:
            predict_all(params, name, table, generator)
            labelled.append(table[["image_id"]])
    write_parquet("data/labels/mimic.parquet", pd.concat(labelled))
    splits = dict.fromkeys(sizes, "fabricated")
    write_json("data/summary.json", {"classes": list(CLASSES), "sets": counts, "splits": splits})
    groups = ["head" if p >= 0.1 else "tail" if p < 0.01 else "medium" for p in PREVALENCES]
    described = zip(CLASSES, groups, PREVALENCES, strict=True)
    write_json("data/sets/classes.json", {c: {"group": g, "prevalence": p} for c, g, p in described})
    describe_models(params)


def make_set(name: str, images: int, generator: np.random.Generator) -> pd.DataFrame:
    """Make a set, three images per patient."""
    number = np.arange(images)
    table = pd.DataFrame(
        {
            "image_id": [f"mimic/{name}/{n}.jpg" for n in number],
            "patient_id": [f"mimic/{name}{n // 3}" for n in number],
            "study_id": [f"mimic/{name}{n}" for n in number],
            "view": "PA",
        }
    )
    table["path"], table["split"], table["row"], table["source"] = table["image_id"], name, number, "mimic"
    labels = (generator.random((images, len(CLASSES))) < PREVALENCES).astype(np.int8)
    return pd.concat([table, pd.DataFrame(labels, columns=CLASSES)], axis=1)


def predict_all(params: Params, name: str, table: pd.DataFrame, generator: np.random.Generator) -> None:
    """Write probabilities with noise that all models share and noise of each variant and seed."""
    targets, known = table[list(CLASSES)].to_numpy(), table[["image_id", "study_id", "patient_id"]]
    shared = generator.normal(size=targets.shape)
    skill = 1.5 + 0.1 * np.random.default_rng(1).normal(size=(len(params.variants), len(CLASSES)))
    for variant, lift in zip(params.variants, skill, strict=True):
        for seed in params.train.seeds:
            paths = [f"predictions/tta/{variant}/{seed}/{name}.parquet"]
            paths += [f"predictions/dev/{variant}/{seed}.parquet"] if name == "dev" else []
            for path in paths:
                noise = generator.normal(size=targets.shape)
                logits = lift * targets + 0.9 * shared + 0.45 * noise + np.log(PREVALENCES) - 1
                scores = pd.DataFrame((1 / (1 + np.exp(-logits))).astype(np.float32), columns=CLASSES)
                write_parquet(path, pd.concat([known, scores], axis=1), {"model": "{}"})


def describe_models(params: Params) -> None:
    """Write made-up records of encoders, trainings, attention and class weights for the report."""
    for name, encoder in params.image_encoders.items():
        content = {"network": encoder.model, "options": {}, "pixels": None, "tokens": 49, "width": 2048}
        content |= {"parameters": 23_500_000, "gflops": 4.1, "commit": None, "weights": None}
        write_json(f"data/encoders/{name}.json", content)
    origin = {"commit": None, "file": "none", "sha256": "0" * 64, "prefix": "", "tensors": 1, "parameters": 1}
    origin |= {"share": 1.0, "share_of_file": 1.0, "left_out": {}}
    for name in params.text_encoders:
        zeros = {"embeddings": np.zeros((len(CLASSES), 4), np.float32)}
        write_tensors(f"data/text/{name}.safetensors", zeros, {"weights": json.dumps(origin)})
        write_json(f"data/text/{name}.json", {})
    cost = {
        "seconds": 1.0,
        "device": "none",
        "steps": 1,
        "images": TRAINING_IMAGES,
        "passes": 1,
        "peak_memory_mib": 1,
        "environments": [],
    }
    seeds, data = [str(seed) for seed in params.train.seeds], read_set("dev")
    for variant in params.variants:
        for seed in seeds:
            write_json(f"models/{variant}/{seed}/cost.json", cost)
        lines = "".join(f"{seed},1,0.2,0.001,,\n" for seed in seeds)
        columns = "seed,epoch,loss,learning_rate,dev_mAP,scored_by"
        Path(f"models/{variant}/history.csv").write_text(f"{columns}\n{lines}")
        models: dict[str, dict[str, str]] = {seed: {} for seed in seeds}
        write_json(trained_path(variant), models)
        predictions = {seed: read_predictions(variant, seed, data, "none") for seed in params.train.seeds}
        write_json(metrics_path(variant), metrics_of(data, predictions, "none") | {"models": models})
    places = {"variant": params.reweight.base, "grid": 7, "reason": None, "classes": {}}
    write_json("metrics/attention.json", places)
    ones = dict.fromkeys(CLASSES, 1.0)
    for name, rule in reweightings(params.reweight).items():
        content = {"ratio": rule.ratio, "rule": rule.rule, "threshold": 0.3, "weights": ones}
        content["seeds"] = {seed: {"threshold": 0.3, "weights": ones} for seed in seeds}
        write_json(f"weights/{name}.json", content)


def measure(stage: str) -> list[str]:
    """Run a stage; return its row of the table."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", f"stages.{stage}"])
    _, status, usage = os.wait4(process.pid, 0)
    seconds, cpu = time.perf_counter() - start, usage.ru_utime + usage.ru_stime
    if status:
        sys.exit(f"stages.{stage} failed")
    return [stage, f"{seconds:.0f}", f"{cpu:.0f}", f"{usage.ru_maxrss // 1024:,} MiB"]


if __name__ == "__main__":
    main()
