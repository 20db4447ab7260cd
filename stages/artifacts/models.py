"""Models: how a variant is built, and models/<variant>/<seed>/ and trained.json, which names them by content.

What predicts depends on trained.json alone: times and memory, which lie beside the models, re-run nothing.
"""

from collections.abc import Sequence

import numpy as np

from cxrlt_core.labels import CLASSES
from cxrlt_core.model.classifier import ModelConfig
from cxrlt_core.model.encoder_plan import Plan, plan_encoder
from cxrlt_core.model.folder import TrainedModel, model_marks, read_model
from cxrlt_core.params.schema import Params
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import read_json, write_json
from cxrlt_core.system.tensors import read_tensors
from stages.artifacts.paths import model_folder, text_path


def write_trained(variant: str, seeds: Sequence[int]) -> None:
    """Name the models of a variant by content."""
    marks = {str(seed): model_marks(model_folder(variant, seed)) for seed in seeds}
    write_json(f"models/{variant}/trained.json", marks)


def load_model(variant: str, seed: int) -> TrainedModel:
    """Rebuild a trained model.

    Raises:
        StudyError: when it is absent, or not the one that trained.json names.
    """
    folder, known = model_folder(variant, seed), read_json(f"models/{variant}/trained.json")
    if known.get(str(seed)) != model_marks(folder):
        raise StudyError(f"{folder}: not the model that training wrote; dvc checkout, or dvc repro --force")
    return read_model(folder)


def plan_image_encoder(params: Params, variant: str) -> Plan:
    """Plan the image encoder of a variant, out of the hub's commit that the stage ``encoder`` found."""
    image = params.variants[variant].image
    commit = read_json(f"data/encoders/{image}.json")["commit"]
    encoder = params.image_encoders[image].model_copy(update={"revision": commit})
    return plan_encoder(encoder, params.image.size, f"image_encoders.{image}")


def describe_model(
    params: Params, variant: str, classes: list[str], pixels: tuple[float, float], plan: Plan
) -> ModelConfig:
    """Return all that is needed to rebuild the model of a variant.

    Args:
        params: of the study.
        variant: its name.
        classes: the label space.
        pixels: mean and standard deviation of the training pixels, 0 to 1.
        plan: of its image encoder.
    """
    config = params.variants[variant]
    return ModelConfig(
        classes=classes,
        image_model=plan.name,
        image_options=plan.options,
        image_pixels=plan.pixels,
        image_size=params.image.size,
        pixel_mean=pixels[0],
        pixel_deviation=pixels[1],
        text=config.text,
        separate=config.separate,
        query=params.query.model_dump(),
        image_fit=params.image.fit,
        precision=params.train.precision,
        augment=params.train.augment.model_dump(),
    )


def read_embeddings(text: str, classes: Sequence[str]) -> np.ndarray:
    """Read what a text encoder says of C classes, float32 (C, D)."""
    embeddings = read_tensors(text_path(text))["embeddings"]
    return embeddings[[CLASSES.index(name) for name in classes]]
