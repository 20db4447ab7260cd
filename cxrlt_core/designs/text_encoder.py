"""Design 1, text encoder: one embedding per label name from a frozen pretrained language model.

Cost: once a study; none in training.
Said to help: as a part of the published study.
Claimed: PubMedBERT against Clinical-T5: −0.0026 and +0.0036 mAP (CXR-LT 2023), arXiv:2308.08853.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import model_validator

from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.settings import Section, usual

if TYPE_CHECKING:  # every stage reads these settings; torch takes two seconds
    from torch import Tensor

    from cxrlt_core.pretrained.text_model import TextModel

TITLE = "text encoder"
SOURCE = "Zhang et al. 2023 (KAD), arXiv:2302.14042"
FIELD = "text"

#: Embeddings that differ by less, as a share of their length, differ by rounding alone.
SAME = 1e-5


class TextEncoder(Section):
    """A frozen text encoder: hub id or local folder."""

    model: str = usual("microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract")
    pooling: Literal["cls", "mean"] = usual("cls")
    revision: str | None = usual(None)  # commit or tag of a hub model
    prompt: str = usual("{label}")

    @model_validator(mode="after")
    def mention_label(self) -> TextEncoder:
        """Reject a prompt that would give all labels the same embedding."""
        if self.prompt.count("{") != 1 or self.prompt.count("}") != 1 or "{label}" not in self.prompt:
            raise ValueError("prompt must contain {label} and no other braces")
        return self


def embed_labels(labels: Sequence[str], encoder: TextEncoder, key: str) -> tuple[np.ndarray, dict[str, Any]]:
    """Encode label names, each alone in the encoder's prompt.

    Args:
        labels: C names.
        encoder: model (hub id or local folder), pooling and prompt. Of an encoder-decoder such as
            T5 the encoder is used.
        key: where the encoder stands in params.yaml, for messages.

    Computed in double precision, so that every processor rounds to the same float32.

    Returns:
        float32 (C, D), D the width of the encoder; and the origin of its weights, as
        :func:`cxrlt_core.pretrained.strict.weights_origin` says.

    Raises:
        StudyError: when the model cannot be had or loaded whole, a prompt is too long for it, or it does not
            tell two labels apart.
    """
    import torch

    from cxrlt_core.pretrained.text_model import load_text_model

    try:
        model = load_text_model(encoder.model, encoder.revision)
    except StudyError as error:
        kind = "local folder" if Path(encoder.model).is_dir() else "no such local folder, so a hub id"
        raise StudyError(f"{key}.model: cannot load {encoder.model!r} ({kind}): {error}") from None
    tokens = _tokens([encoder.prompt.format(label=label) for label in labels], model, key)
    with torch.inference_mode():
        hidden = model.network.double()(**tokens).last_hidden_state
    embeddings = pool(hidden, tokens["attention_mask"], encoder.pooling).float().numpy()
    _check(embeddings, labels, key)
    return embeddings, model.origin


def pool(hidden: Tensor, attention_mask: Tensor, pooling: str) -> Tensor:
    """Reduce token states (C, T, D) to (C, D): the first token's, or the mean over real tokens."""
    if pooling == "cls":
        return hidden[:, 0]
    mask = attention_mask[:, :, None].to(hidden.dtype)
    return (hidden * mask).sum(1) / mask.sum(1)


def _tokens(prompts: Sequence[str], model: TextModel, key: str) -> dict[str, Tensor]:
    """Return ``input_ids`` and ``attention_mask``, int64 (C, T)."""
    tokens = model.tokenizer(prompts, padding=True, return_tensors="pt")
    lengths = tokens["attention_mask"].sum(1).numpy()
    if lengths.max() > model.longest:
        prompt = prompts[int(lengths.argmax())]
        raise StudyError(
            f"{key}.prompt: {prompt!r} is {lengths.max()} tokens long, the model takes {model.longest}"
        )
    words = model.network.get_input_embeddings().num_embeddings
    if tokens["input_ids"].max() >= words:
        raise StudyError(
            f"{key}.model: the tokenizer is of another model, which has more than {words} tokens"
        )
    return {name: tokens[name] for name in ("input_ids", "attention_mask")}


def _check(embeddings: np.ndarray, labels: Sequence[str], key: str) -> None:
    """Refuse embeddings that are not finite, or the same for two labels."""
    for label, embedding in zip(labels, embeddings, strict=True):
        if not np.isfinite(embedding).all():
            raise StudyError(f"{key}: the embedding of {label!r} is not finite")
    norms = np.linalg.norm(embeddings, axis=1)
    for i, embedding in enumerate(embeddings):
        near = np.linalg.norm(embeddings[:i] - embedding, axis=1) <= SAME * np.maximum(norms[:i], norms[i])
        if near.any():
            raise StudyError(f"{key}: the model does not tell {labels[near.argmax()]!r} from {labels[i]!r}")
