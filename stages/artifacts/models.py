"""Trained models: models/<variant>/<seed>/, and data/trained/<variant>.json, which names them by content.

What predicts, or starts from them, depends on that file alone: times and memory, which lie beside the models,
re-run nothing.
"""

import json
from collections.abc import Sequence

import numpy as np

from cxrlt_core.batches.images import PixelStats
from cxrlt_core.designs import PREDICTION
from cxrlt_core.model.classifier import ModelConfig
from cxrlt_core.model.encoder_spec import EncoderSpec, resolve_encoder
from cxrlt_core.model.folder import TrainedModel, model_marks, read_model
from cxrlt_core.params.schema import Params
from cxrlt_core.study.variants import designs_of, drawn_sources, resolved
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import read_json, write_json
from cxrlt_core.system.tensors import read_tensor_metadata, read_tensors
from stages.artifacts.paths import model_folder, text_path, trained_path
from stages.artifacts.settings import dumped
from stages.artifacts.trained import trained_marks


def write_trained(variant: str, seeds: Sequence[int]) -> None:
    """Name the models of a variant by content."""
    marks = {str(seed): model_marks(model_folder(variant, seed)) for seed in seeds}
    write_json(trained_path(variant), marks)


def load_trained(variant: str, seed: int) -> TrainedModel:
    """Rebuild a trained model.

    Raises:
        StudyError: when it is absent, or not the one that data/trained names.
    """
    folder = model_folder(variant, seed)
    if trained_marks(variant, seed) != model_marks(folder):
        raise StudyError(f"{folder}: not the model that training wrote; dvc checkout, or dvc repro --force")
    return read_model(folder)


def image_encoder_spec(params: Params, variant: str) -> EncoderSpec:
    """Return the image encoder of a variant, out of the hub's commit that the stage ``encoder`` found."""
    image = params.variants[variant].image
    commit = read_json(f"data/encoders/{image}.json")["commit"]
    encoder = params.image_encoders[image].model_copy(update={"revision": commit})
    return resolve_encoder(encoder, resolved(params, variant).image.size, f"image_encoders.{image}")


def describe_model(
    params: Params, variant: str, classes: list[str], pixels: PixelStats, encoder: EncoderSpec
) -> ModelConfig:
    """Return all that is needed to rebuild the model of a variant.

    Args:
        params: of the study.
        variant: its name.
        classes: the label space.
        pixels: of the training set.
        encoder: of its images.
    """
    whole, designs = resolved(params, variant), designs_of(params, variant, PREDICTION)
    return ModelConfig(
        classes=classes,
        image_model=encoder.name,
        image_options=encoder.options,
        image_pixels=encoder.pixels,
        image_size=whole.image.size,
        pixel_mean=pixels.mean,
        pixel_deviation=pixels.std,
        text=params.variants[variant].text,
        query=whole.query.model_dump(),
        image_fit=whole.image.fit,
        precision=whole.train.precision,
        augment=whole.train.augment.model_dump(),
        designs=dumped(designs),
        drawn=drawn_sources(params, variant),
    )


def read_embeddings(text: str, classes: Sequence[str]) -> np.ndarray:
    """Read what a text encoder says of C classes, float32 (C, D); StudyError when one is missing."""
    path = text_path(text)
    labels = json.loads(read_tensor_metadata(path).get("labels", "[]"))
    if missing := [name for name in classes if name not in labels]:
        raise StudyError(f"{path}: no embedding of {missing[0]!r}; run dvc repro")
    return read_tensors(path)["embeddings"][[labels.index(name) for name in classes]]
