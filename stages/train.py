"""Train one variant once per seed, in one process or, under torchrun, in several.

Usage: python -m stages.train <variant>
"""

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from cxrlt_core.batches.images import Images, intensity
from cxrlt_core.batches.sharding import place_images
from cxrlt_core.designs import result
from cxrlt_core.losses import build_loss
from cxrlt_core.model.classifier import Classifier, ModelConfig, new_model
from cxrlt_core.model.encoder_spec import EncoderSpec
from cxrlt_core.model.folder import save_model
from cxrlt_core.model.image_encoder import load_network
from cxrlt_core.model.start import load_fitting
from cxrlt_core.params.schema import Params
from cxrlt_core.study.variants import SCRATCH, designs_of, loss_of, resolved
from cxrlt_core.system.device import explain_out_of_memory, open_device
from cxrlt_core.system.distributed import Ranks, open_ranks
from cxrlt_core.system.files import write_json
from cxrlt_core.system.progress import format_interval, task
from cxrlt_core.training.build import TrainingData, TrainingSettings, build_training
from cxrlt_core.training.checkpoint import Checkpoint
from cxrlt_core.training.cost import cost
from cxrlt_core.training.loop import ADVICE, Training
from cxrlt_core.training.objective import class_weights
from cxrlt_core.training.schedule import stream_seed
from stages.artifacts.arrays import decoder_of, open_images
from stages.artifacts.border import run_stage
from stages.artifacts.environment import environment
from stages.artifacts.identity import training_identity
from stages.artifacts.models import (
    describe_model,
    image_encoder_spec,
    load_trained,
    read_embeddings,
    write_trained,
)
from stages.artifacts.monitor import Monitor
from stages.artifacts.paths import model_folder
from stages.artifacts.sets import LabelledSet, read_set
from stages.artifacts.weights import read_weights


def main(params: Params, name: str) -> None:
    """Write models/<variant>/: for each seed weights, configuration and cost, and the history of all."""
    device = open_device(params.compute.device, params.compute.threads)
    with open_ranks(device) as ranks, explain_out_of_memory(ADVICE):
        train_seeds(params, name, ranks)


@dataclass(frozen=True)
class Material:
    """What all trainings of a variant share."""

    data: LabelledSet
    images: Images
    config: ModelConfig
    encoder: EncoderSpec


def train_seeds(params: Params, name: str, ranks: Ranks) -> None:
    """Train the variant once per seed; all seeds share the images in memory."""
    material = gather_material(params, name, read_set(f"train_{params.variants[name].data}"), ranks)
    config = replace(material.config, decoder=decoder_of(material.data, resolved(params, name).image))
    monitor = Monitor(params, name, config, ranks)
    here = environment(ranks.device)
    for seed in params.train.seeds:
        training = prepare(params, name, seed, material, ranks)
        # The checkpoint of a finished training stays: a further seed then trains alone.
        identity = training_identity(params, name, seed)
        checkpoint = Checkpoint(Path("checkpoints"), **identity, processes=ranks.size)
        with task(f"{name}, seed {seed}"):
            training.run(checkpoint, monitor.follow(seed, checkpoint.path), here)
        if ranks.is_main:
            write_model(name, seed, training, config)
    if ranks.is_main:
        write_trained(name, params.train.seeds)


def gather_material(params: Params, name: str, data: LabelledSet, ranks: Ranks) -> Material:
    """Open the images of a training set, as the designs of a variant choose and change it."""
    whole, encoder = resolved(params, name), image_encoder_spec(params, name)
    packed = open_images(data, params, whole.image)
    if (chosen := result(designs_of(params, name), "training_set", data.targets)) is not None:
        packed, data = packed.take(chosen[0]), replace(data, targets=chosen[1])
    config = describe_model(params, name, data.classes, intensity(packed), encoder)
    return Material(data, place_images(packed, whole.train.resident, ranks), config, encoder)


def prepare(params: Params, name: str, seed: int, material: Material, ranks: Ranks) -> Training:
    """Return the training of a seed, which has not begun."""
    data, config = material.data, material.config
    model = new_model_of(params, name, seed, data, config, material.encoder)
    weights = read_weights(params.variants[name].weights, seed)
    weights = class_weights(weights, data.classes, data.targets, report=ranks.is_main)
    shown = TrainingData(material.images, data.targets, data.classes, weights, config.pixels)
    train, loss = resolved(params, name).train, build_loss(loss_of(params, name), data.targets)
    settings = TrainingSettings(train, loss, stream_seed(name, seed), designs_of(params, name))
    return build_training(model, shown, settings, ranks)


def new_model_of(
    params: Params, name: str, seed: int, data: LabelledSet, config: ModelConfig, encoder: EncoderSpec
) -> Classifier:
    """Build the model of a variant, and let it start from the weights that ``init`` names."""
    variant = params.variants[name]
    torch.manual_seed(stream_seed(name, seed))
    place = f"image_encoders.{variant.image}"
    network, _ = load_network(params.image_encoders[variant.image], encoder, config.image_size, place)
    model = new_model(config, network, read_embeddings(variant.text, data.classes), data.targets)
    if variant.init != SCRATCH:
        new = load_fitting(model, config, load_trained(variant.init, seed))
        but = f" but for new layers: {', '.join(new)}" if new else ""
        print(f"{name}, seed {seed}: starts from {variant.init}{but}", flush=True)
    return model


def write_model(name: str, seed: int, training: Training, config: ModelConfig) -> None:
    """Write a trained model and what it cost, and say how it ended."""
    folder, state = model_folder(name, seed), training.state
    save_model(folder, state.model, config)
    write_json(folder / "cost.json", cost(training))
    last = state.history[-1]
    done = f"loss {last['loss']:.4f} in epoch {last['epoch']}; {format_interval(state.seconds)}"
    print(f"{name}, seed {seed}: {done}", flush=True)


if __name__ == "__main__":
    run_stage(main, launcher="train")
