"""What the names in a variant stand for: its image encoder, its model, the embeddings of its labels."""

from collections.abc import Sequence

import numpy as np

from cxrlt_core.labels import CLASSES
from cxrlt_core.model.classifier import ModelConfig
from cxrlt_core.model.encoder_spec import EncoderSpec, resolve_encoder
from cxrlt_core.params.schema import Params
from cxrlt_core.system.files import read_json
from cxrlt_core.system.tensors import read_tensors
from stages.artifacts.paths import text_path


def plan_image_encoder(params: Params, variant: str) -> EncoderSpec:
    """Plan the image encoder of a variant, out of the hub's commit that the stage ``encoder`` found."""
    image = params.variants[variant].image
    commit = read_json(f"data/encoders/{image}.json")["commit"]
    encoder = params.image_encoders[image].model_copy(update={"revision": commit})
    return resolve_encoder(encoder, params.image.size, f"image_encoders.{image}")


def describe_model(
    params: Params, variant: str, classes: list[str], pixels: tuple[float, float], plan: EncoderSpec
) -> ModelConfig:
    """Return all that is needed to rebuild the model of a variant.

    Args:
        params: of the study.
        variant: its name.
        classes: the label space.
        pixels: mean and standard deviation of the training pixels, 0 to 1.
        plan: of its image encoder.
    """
    chosen = params.variants[variant]
    return ModelConfig(
        classes=classes,
        image_model=plan.name,
        image_options=plan.options,
        image_pixels=plan.pixels,
        image_size=params.image.size,
        pixel_mean=pixels[0],
        pixel_deviation=pixels[1],
        text=chosen.text,
        separate=chosen.separate,
        query=params.query.model_dump(),
        image_fit=params.image.fit,
        precision=params.train.precision,
        augment=params.train.augment.model_dump(),
    )


def read_embeddings(text: str, classes: Sequence[str]) -> np.ndarray:
    """Read what a text encoder says of C classes, float32 (C, D)."""
    embeddings = read_tensors(text_path(text))["embeddings"]
    return embeddings[[CLASSES.index(name) for name in classes]]
