"""Design 1, text encoder: one embedding per label name from a frozen pretrained language model."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from cxrlt_core.params.schema import TextEncoder
from cxrlt_core.system.errors import StudyError


def embed_labels(labels: Sequence[str], encoder: TextEncoder, key: str) -> np.ndarray:
    """Encode label names, each alone in the encoder's prompt.

    Args:
        labels: C names.
        encoder: model (hub id or local folder), pooling and prompt. Of an encoder-decoder such as
            T5 the encoder is used.
        key: where the encoder stands in params.yaml, for messages.

    Returns:
        float32 (C, D), D the width of the encoder.

    Raises:
        StudyError: when the model cannot be found or fetched.
    """
    tokenizer, model = _load(encoder, key)
    prompts = [encoder.prompt.format(label=label) for label in labels]
    tokens = tokenizer(prompts, padding=True, return_tensors="pt")
    with torch.inference_mode():
        hidden = model(
            input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]
        ).last_hidden_state
    return pool(hidden, tokens["attention_mask"], encoder.pooling).float().numpy()


def pool(hidden: Tensor, attention_mask: Tensor, pooling: str) -> Tensor:
    """Reduce token states (C, T, D) to (C, D): the first token's, or the mean over real tokens."""
    if pooling == "cls":
        return hidden[:, 0]
    mask = attention_mask[:, :, None].to(hidden.dtype)
    return (hidden * mask).sum(1) / mask.sum(1)


def _load(encoder: TextEncoder, key: str) -> tuple:
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging as transformers_logging

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # no line per retry
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    where = {"revision": encoder.revision, "trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(encoder.model, **where)
        model = AutoModel.from_pretrained(encoder.model, use_safetensors=True, dtype=torch.float32, **where)
    except Exception as error:  # the hub and the readers of a folder raise many kinds
        kind = "local folder" if Path(encoder.model).is_dir() else "no such local folder, so a hub id"
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise StudyError(f"{key}.model: cannot load {encoder.model!r} ({kind}): {reason}") from None
    if model.config.is_encoder_decoder:
        model = model.get_encoder()
    return tokenizer, model.eval()
