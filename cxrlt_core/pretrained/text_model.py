"""Pretrained text encoders as networks: built from their config, loaded from plain tensors.

The library's own loading is not used: it draws what a file lacks, takes formats from a conversion service and
from unmerged requests on the hub, and knows no Flax.
"""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from cxrlt_core.pretrained.model_files import locate
from cxrlt_core.pretrained.strict import load_strict, weights_origin
from cxrlt_core.pretrained.tensor_files import read_tensor_files
from cxrlt_core.system.errors import StudyError, reason
from cxrlt_core.system.text import sentence

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

#: What is meant to go: heads, T5's decoder, the layer behind the first token, and what only counts.
IGNORED = ("classifier.*", "cls.*", "cls_projection_head.*", "decoder.*", "discriminator_predictions.*",
        "generator_*", "head.*", "lm_head.*", "pooler.*", "qa_outputs.*", "vocab_*", "*position_ids",
        "*token_type_ids")  # fmt: skip

#: Names of layers in files that were converted from TensorFlow.
OLD_NAMES = {"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"}

#: Model types that come with code of their own and are, as an encoder, one that is known.
KNOWN_AS = {"cxr-bert": "bert"}  # a BERT with a projection beside it

#: Each of these makes a tokenizer.
VOCABULARIES = (["tokenizer.json"], ["vocab.txt"], ["spiece.model"], ["sentencepiece.bpe.model"],
                ["vocab.json", "merges.txt"])  # fmt: skip


class TextModel(NamedTuple):
    """A frozen text encoder."""

    tokenizer: "PreTrainedTokenizerBase"  # text to token ids
    network: "PreTrainedModel"  # token ids to states
    longest: int  # tokens that a text may have
    origin: dict[str, Any]  # of its weights, as :func:`cxrlt_core.pretrained.strict.weights_origin` says


def load_text_model(model: str, revision: str | None) -> TextModel:
    """Load a text encoder of the hub or a local folder whole; of an encoder-decoder such as T5, the encoder.

    StudyError when anything is absent, torn, foreign or does not fit.
    """
    files = locate(model, revision)
    model_type, config = _config(files.folder)
    tokenizer = _tokenizer(files.folder, model_type, config)
    network = _network(config)
    tensors, prefix = without_prefix(read_tensor_files(files.weights), _table_names(network))
    loaded = load_strict(network, tensors, IGNORED)
    return TextModel(
        tokenizer, network.eval(), _longest(tokenizer, config), weights_origin(files, prefix, loaded)
    )


def without_prefix(tensors: Mapping[str, Tensor], anchors: Collection[str]) -> tuple[dict[str, Tensor], str]:
    """Take away what stands before an encoder's names, such as ``bert.`` or ``module.``; return it, too.

    The ``anchors``, names of a tensor that every file of the encoder has, follow it; names without it stay
    as they are. StudyError when no name, or more than one, can be the anchor.
    """
    named = {_modern(name): tensor for name, tensor in tensors.items()}
    ends = [(name, anchor) for name in named for anchor in anchors if f".{name}".endswith(f".{anchor}")]
    prefixes = sorted({name.removesuffix(anchor) for name, anchor in ends})
    if len(prefixes) != 1:
        what = f"one under {str(prefixes)[1:-1]}" if prefixes else f"no {' or '.join(anchors)}"
        names = f"{len(named)} names: {sentence(sorted(named))}" if named else "no names"
        raise StudyError(f"expected one encoder in the weights, found {what} among {names}")
    (prefix,) = prefixes
    if repeated := [name for name in named if prefix and f"{prefix}{name}" in named]:
        raise StudyError(f"names are there with and without {prefix!r}: {sentence(repeated)}")
    return {name.removeprefix(prefix): tensor for name, tensor in named.items()}, prefix


def _modern(name: str) -> str:
    for old, new in OLD_NAMES.items():
        if name.endswith(old):
            return name.removesuffix(old) + new
    return name


def _config(folder: Path) -> tuple[str, "PreTrainedConfig"]:
    """Return the model type that a folder states, and the config of the one that it is."""
    from transformers import CONFIG_MAPPING

    if not (folder / "config.json").is_file():
        raise StudyError("no config.json")
    try:
        content = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise StudyError(f"config.json: no JSON: {error}") from None
    model_type = content.pop("model_type", None) if isinstance(content, dict) else None
    known_type = KNOWN_AS.get(model_type, model_type)
    if known_type not in CONFIG_MAPPING:
        raise StudyError(
            f"config.json: transformers knows no model_type {model_type!r} without code of its own"
        )
    try:
        config = CONFIG_MAPPING[known_type].from_dict(content)
    except Exception as error:  # configs check themselves in many ways
        raise StudyError(f"config.json: {reason(error)}") from None
    config._attn_implementation = config._experts_implementation = None  # may name code of a hub
    return model_type, config


def _tokenizer(folder: Path, model_type: str, config: "PreTrainedConfig") -> "PreTrainedTokenizerBase":
    from transformers import TOKENIZER_MAPPING, AutoTokenizer
    from transformers.utils import logging

    if not any(all((folder / name).is_file() for name in names) for names in VOCABULARIES):
        expected = ", ".join(" with ".join(names) for names in VOCABULARIES)
        raise StudyError(f"no tokenizer: expected {expected}")
    logging.set_verbosity_error()
    try:
        if model_type in KNOWN_AS:  # names a tokenizer of its own, too
            return TOKENIZER_MAPPING[type(config)].from_pretrained(folder)
        return AutoTokenizer.from_pretrained(folder, config=config, trust_remote_code=False)
    except Exception as error:  # tokenizers raise many kinds
        raise StudyError(f"no tokenizer can be made: {reason(error)}") from None


def _network(config: "PreTrainedConfig") -> "PreTrainedModel":
    """Build the encoder, without the pooler, which no embedding uses."""
    from transformers import MODEL_FOR_MASKED_LM_MAPPING, MODEL_FOR_TEXT_ENCODING_MAPPING, MODEL_MAPPING

    if type(config) in MODEL_FOR_TEXT_ENCODING_MAPPING:
        build = MODEL_FOR_TEXT_ENCODING_MAPPING[type(config)]
    elif type(config) in MODEL_FOR_MASKED_LM_MAPPING and not config.is_encoder_decoder:
        build = MODEL_MAPPING[type(config)]
    else:
        raise StudyError(f"config.json: {config.model_type!r} is no text encoder that transformers knows")
    try:
        network = build._from_config(config, dtype=torch.float32)
    except Exception as error:  # networks check their config in many ways
        raise StudyError(f"config.json: no network can be built: {reason(error)}") from None
    if isinstance(getattr(network, "pooler", None), nn.Module):
        network.pooler = None
    return network


def _table_names(network: "PreTrainedModel") -> list[str]:
    """Return the names of the table of word embeddings."""
    table = network.get_input_embeddings().weight.data_ptr()
    return [name for name, tensor in network.state_dict().items() if tensor.data_ptr() == table]


def _longest(tokenizer: "PreTrainedTokenizerBase", config: "PreTrainedConfig") -> int:
    """Return how many tokens fit; RoBERTa's positions begin behind the padding's."""
    positions = getattr(config, "max_position_embeddings", None) or tokenizer.model_max_length
    offset = config.pad_token_id + 1 if "roberta" in config.model_type else 0
    return min(positions - offset, tokenizer.model_max_length)
