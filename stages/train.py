"""Train one variant once per seed, in one process or, under torchrun, in several.

Usage: python -m stages.train <variant>
"""

from pathlib import Path

import torch

from cxrlt_core.batches.images import Images, intensity
from cxrlt_core.batches.sharding import place_images
from cxrlt_core.losses import build_loss
from cxrlt_core.model.classifier import ModelConfig, new_model
from cxrlt_core.model.encoder_plan import Plan
from cxrlt_core.model.folder import save_model
from cxrlt_core.model.image_encoder import load_network
from cxrlt_core.params.schema import Params
from cxrlt_core.system.device import explain_out_of_memory, open_device
from cxrlt_core.system.distributed import Ranks, open_ranks
from cxrlt_core.system.files import write_json
from cxrlt_core.system.progress import format_interval, task
from cxrlt_core.training.build import build_training
from cxrlt_core.training.checkpoint import Checkpoint
from cxrlt_core.training.cost import cost
from cxrlt_core.training.loop import ADVICE, Training
from cxrlt_core.training.objective import class_weights
from stages.artifacts.arrays import open_images
from stages.artifacts.border import run_stage
from stages.artifacts.identity import training_identity
from stages.artifacts.models import describe_model, plan_image_encoder, read_embeddings, write_trained
from stages.artifacts.monitor import Monitor
from stages.artifacts.paths import model_folder
from stages.artifacts.sets import LabelledSet, read_set
from stages.artifacts.weights import read_weights


def main(params: Params, name: str) -> None:
    """Write models/<variant>/: for each seed weights, configuration and cost, and the history of all."""
    device = open_device(params.compute.device, params.compute.threads)
    with open_ranks(device) as ranks, explain_out_of_memory(ADVICE):
        train_seeds(params, name, ranks)


def train_seeds(params: Params, name: str, ranks: Ranks) -> None:
    """Train the variant once per seed; all seeds share the images in memory."""
    data = read_set(f"train_{params.variants[name].data}")
    packed, plan = open_images(data, params.image), plan_image_encoder(params, name)
    config = describe_model(params, name, data.classes, intensity(packed), plan)
    images = place_images(packed, params.train.resident, ranks)
    monitor = Monitor(params, name, config.pixels, ranks)
    for seed in params.train.seeds:
        training = prepare(params, name, seed, data, images, config, plan, ranks)
        # The checkpoint of a finished training stays: a further seed then trains alone.
        identity = training_identity(params, name, seed)
        checkpoint = Checkpoint(Path("checkpoints"), **identity, processes=ranks.size)
        with task(f"{name}, seed {seed}"):
            training.run(checkpoint, monitor.follow(seed, checkpoint.path))
        if ranks.leads:
            save_model(model_folder(name, seed), training.state.model, config)
            write_json(model_folder(name, seed) / "cost.json", cost(training))
            last, spent = training.state.history[-1], format_interval(training.state.seconds)
            done = f"loss {last['loss']:.4f} in epoch {last['epoch']}; {spent}"
            print(f"{name}, seed {seed}: {done}", flush=True)
    if ranks.leads:
        write_trained(name, params.train.seeds)


def prepare(
    params: Params,
    name: str,
    seed: int,
    data: LabelledSet,
    images: Images,
    config: ModelConfig,
    plan: Plan,
    ranks: Ranks,
) -> Training:
    """Build the model of a variant and all that it is trained with."""
    variant = params.variants[name]
    encoder = params.image_encoders[variant.image]
    torch.manual_seed(seed)
    network, _ = load_network(encoder, plan, params.image.size, f"image_encoders.{variant.image}")
    model = new_model(config, network, read_embeddings(variant.text, data.classes), data.targets)
    weights = read_weights(variant.weights, seed)
    return build_training(
        model,
        images,
        data.targets,
        class_weights(weights, data.classes, data.targets, report=ranks.leads),
        build_loss(params.loss_of(name), data.targets),
        config.pixels,
        params.train,
        params.mixup if variant.mixup else None,
        seed,
        ranks,
    )


if __name__ == "__main__":
    run_stage(main, launcher="train")
