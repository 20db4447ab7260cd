"""Train one variant once per seed, in one process or, under torchrun, in several.

Usage: python -m stages.train <variant>
"""

from pathlib import Path

import pandas as pd
import torch

from cxrlt_core.batches.images import Images, intensity
from cxrlt_core.batches.sharding import place_images
from cxrlt_core.labels import CLASSES
from cxrlt_core.losses import build_loss
from cxrlt_core.model.classifier import ModelConfig, new_model
from cxrlt_core.params.schema import Params
from cxrlt_core.system.device import explain_out_of_memory, open_device
from cxrlt_core.system.distributed import Ranks, open_ranks
from cxrlt_core.system.files import read_json, write_json, write_text
from cxrlt_core.system.tensors import read_tensors
from cxrlt_core.training.build import build_training
from cxrlt_core.training.checkpoint import Checkpoint
from cxrlt_core.training.loop import ADVICE, Training
from cxrlt_core.training.objective import class_weights
from stages.artifacts.arrays import open_images
from stages.artifacts.border import run_stage
from stages.artifacts.identity import cost, definition
from stages.artifacts.models import model_config, save_model
from stages.artifacts.seeds import make_seed_folder, seed_paths
from stages.artifacts.sets import LabelledSet, read_set


def main(params: Params, name: str) -> None:
    """Write models/<variant>/: weights, configuration, history and what the training cost, for each seed."""
    device = open_device(params.compute.device, params.compute.threads)
    with open_ranks(device) as ranks, explain_out_of_memory(ADVICE):
        train_seeds(params, name, ranks)


def train_seeds(params: Params, name: str, ranks: Ranks) -> None:
    """Train the variant once per seed; all seeds share the images in memory."""
    data = read_set(f"train_{params.variants[name].data}")
    packed = open_images(params, data)
    config = model_config(params, name, data.classes, intensity(packed))
    images = place_images(packed, params.train.resident, ranks)
    make_seed_folder(f"models/{name}")
    for seed, folder in seed_paths(params, f"models/{name}").items():
        training = prepare(params, name, seed, data, images, config, ranks)
        # The checkpoint of a finished training stays: a further seed then trains alone.
        checkpoint = Checkpoint(Path("checkpoints"), **definition(params, name, seed), processes=ranks.size)
        history = training.run(checkpoint)
        if ranks.leads:
            save_model(folder, training.state.model, config)
            write_text(f"{folder}/history.csv", pd.DataFrame(history).to_csv(index=False))
            write_json(f"{folder}/cost.json", cost(training.state, training.schedule, images, ranks))


def prepare(
    params: Params,
    name: str,
    seed: int,
    data: LabelledSet,
    images: Images,
    config: ModelConfig,
    ranks: Ranks,
) -> Training:
    """Build the model of a variant and all that it is trained with."""
    variant = params.variants[name]
    embeddings = read_tensors(f"data/text/{variant.text}.safetensors")["embeddings"]
    embeddings = embeddings[[CLASSES.index(c) for c in data.classes]]
    encoder = params.image_encoders[variant.image]
    torch.manual_seed(seed)
    network = new_model(config, encoder, embeddings, data.targets, f"image_encoders.{variant.image}")
    weights = read_json(f"weights/{variant.weights}.json")["weights"]
    return build_training(
        network,
        images,
        data.targets,
        class_weights(weights, data.classes, data.targets, report=ranks.leads),
        build_loss(params.loss_of(name), data.targets),
        (config.pixel_mean, config.pixel_deviation),
        params.train,
        params.mixup if variant.mixup else None,
        seed,
        ranks,
    )


if __name__ == "__main__":
    run_stage(main)
