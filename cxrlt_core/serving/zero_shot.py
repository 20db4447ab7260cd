"""A model that is asked about labels that it was never trained on, by their names alone."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cxrlt_core.designs.text_encoder import TextEncoder, embed_labels
from cxrlt_core.labels import spelling
from cxrlt_core.model.zero_shot import ZeroShotClassifier, check_encoder, check_shared, nystrom_coordinates
from cxrlt_core.serving.predictor import Predictor
from cxrlt_core.system.errors import StudyError, shown


def with_labels(predictor: Predictor, labels: Sequence[str], encoder: TextEncoder) -> Predictor:
    """Return a model alone that scores new labels, too; what it says of its own stays as it is, to the bit.

    The text encoder has to be that of its study, with its prompt. New labels have no threshold and no
    calibrated probability, since nothing was fitted on them.

    Raises:
        StudyError: an ensemble, a model without a shared classifier, a text encoder that cannot be had or is
            another one, or a label that cannot be one.
    """
    if len(predictor.members) != 1:
        raise StudyError("an ensemble weighs models by labels that they were trained on; expected a model")
    model, classes = predictor.members[0], list(predictor.classes)
    check_shared(model.network)
    _check_names(labels, classes)
    embeddings, _ = embed_labels([*classes, *labels], encoder, f"text_encoders.{model.config.text}")
    own, new = embeddings[: len(classes)], embeddings[len(classes) :]
    check_encoder(model.network, own)
    coordinates, shares = nystrom_coordinates(new, own)
    network = ZeroShotClassifier(model.network, coordinates).to(predictor.device).eval()
    model = replace(model, network=network, config=replace(model.config, classes=[*classes, *labels]))
    calibration, blank = predictor.calibration, np.full(len(labels), np.nan)
    thresholds = np.concatenate([calibration.thresholds, blank])
    return replace(
        predictor,
        members=[model],
        weights=np.ones((1, len(classes) + len(labels))),
        calibration=replace(calibration, thresholds=thresholds),
        zero_shot=dict(zip(labels, shares.tolist(), strict=True)),
    )


def _check_names(labels: Sequence[str], classes: Sequence[str]) -> None:
    """Raise StudyError for the first name that is a class already, there twice, or no name of a column."""
    known = {spelling(name): name for name in classes}
    for label in labels:
        if not label[:1].isalnum() or not label.isprintable() or set(label) & set(',|"'):
            raise StudyError(
                f"expected names that begin with a letter, without | or quote, found {shown(label)}"
            )
        if (other := known.get(spelling(label))) is not None:
            what = "a class of the model" if other in classes else "there twice"
            raise StudyError(f"{shown(label)} is {what}; expected new labels, each once")
        known[spelling(label)] = label
