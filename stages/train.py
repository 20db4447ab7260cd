"""Train one variant.

Usage: python -m stages.train <variant>
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from cxrlt_core.checkpoint import Checkpoint
from cxrlt_core.device import describe_device, open_device, peak_memory
from cxrlt_core.errors import StudyError
from cxrlt_core.files import read_json, write_json, write_text
from cxrlt_core.images import intensity
from cxrlt_core.labels import CLASSES
from cxrlt_core.model import new_model
from cxrlt_core.params import Params
from cxrlt_core.tensors import read_tensors
from cxrlt_core.training import Trainer
from stages.common import file_hash, loaded_code, run_stage
from stages.models import model_config, save_model
from stages.pixels import open_images
from stages.sets import read_set, set_path


def main(params: Params, name: str) -> None:
    """Write models/<variant>/: weights, configuration, history and what the training cost."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise StudyError("launch.train: training on several processes is not supported yet; expected python")
    variant = params.variants[name]
    device = open_device(params.compute.device, params.compute.threads)
    data = read_set(f"train_{variant.data}")
    images = open_images(params, data)
    config = model_config(params, name, data.classes, intensity(images))
    torch.manual_seed(params.train.seeds[0])
    embeddings = read_tensors(f"data/text/{variant.text}.safetensors")["embeddings"]
    embeddings = embeddings[[CLASSES.index(c) for c in data.classes]]
    encoder = params.image_encoders[variant.image]
    network = new_model(config, encoder, embeddings, data.targets, f"image_encoders.{variant.image}")
    weights = read_json(f"weights/{variant.weights}.json")["weights"]
    trainer = Trainer(
        network,
        images.resident(device),
        data.targets,
        np.array([weights[c] for c in data.classes]),
        (config.pixel_mean, config.pixel_deviation),
        params.train,
        params.mixup if variant.mixup else None,
        params.train.seeds[0],
        device,
    )
    checkpoint = Checkpoint(Path("checkpoints"), **definition(params, name))
    history = trainer.run(checkpoint)
    save_model(name, network, config)
    write_text(f"models/{name}/history.csv", pd.DataFrame(history).to_csv(index=False))
    cost = {
        "seconds": round(trainer.seconds, 1),
        "device": describe_device(device),
        "steps": trainer.steps,
        "images": len(data.targets),
        "passes": params.train.epochs,  # each epoch shows every image once, the primary ones included
        "peak_memory_mib": peak_memory(device),
    }
    write_json(f"models/{name}/cost.json", cost)
    checkpoint.remove()


def definition(params: Params, name: str) -> dict:
    """Name all that decides how a training goes, so that only the same training is resumed."""
    variant = params.variants[name]
    files = [
        set_path(f"train_{variant.data}"),
        f"data/text/{variant.text}.safetensors",
        f"weights/{variant.weights}.json",
    ]
    sections = params.model_dump(include={"train", "mixup", "query", "compute", "image"})
    encoder = params.image_encoders[variant.image].model_dump()
    hashes = [file_hash(file) for file in files + loaded_code()]
    return {"variant": variant.model_dump(), **sections, "encoder": encoder, "files": hashes}


if __name__ == "__main__":
    run_stage(main)
