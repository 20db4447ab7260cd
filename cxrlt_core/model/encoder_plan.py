"""What an entry of image_encoders means: a network, its options, its weights, the pixels that they expect."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import timm
from timm.models import load_model_config_from_hf

from cxrlt_core.model.hub import fetch
from cxrlt_core.params.schema import ImageEncoder
from cxrlt_core.system.errors import StudyError, reason

HUB = "hf-hub:"
HUB_FILES = ("model.safetensors", "pytorch_model.bin")


@dataclass(frozen=True)
class Plan:
    """An entry, found and fetched, nothing built.

    Attributes:
        name: timm's name of the network.
        options: all that it is built with.
        pixels: mean and deviation, 0 to 1, of the pixels that the weights expect; None: the study's.
        file: of the weights; None leaves the network untrained.
        source: where the file is from: its path, or repository and name.
        commit: of the hub's repository, if there is one.
    """

    name: str
    options: dict[str, Any]
    pixels: tuple[float, float] | None
    file: Path | None
    source: str | None
    commit: str | None


def plan_encoder(encoder: ImageEncoder, size: int, key: str) -> Plan:
    """Find the network, its options and its weights; those of a hub are fetched.

    A network that takes the side of its images as an option, as transformers do, gets the study's.

    Args:
        encoder: the entry.
        size: side of the images in pixels.
        key: where the entry stands in params.yaml, for messages.

    Raises:
        StudyError: unknown name, or a file of a hub that cannot be fetched.
    """
    name, saved, config, commit = _network(encoder, key)
    options = {**saved, **encoder.options}
    if config.get("fixed_input_size") and not options.get("dynamic_img_size"):
        options.setdefault("img_size", size)
    file, source, commit = _weights(encoder, config, commit or encoder.revision, f"{key}.pretrained")
    return Plan(name, options, _pixels(encoder, config), file, source, commit)


def _network(encoder: ImageEncoder, key: str) -> tuple[str, dict, dict, str | None]:
    """Return timm's name, the options that a hub states, timm's notes on the weights, and a hub's commit."""
    name, saved, config, commit = encoder.model, {}, {}, None
    try:
        if name.startswith(HUB):
            repository = name.removeprefix(HUB)
            _, commit = fetch(repository, ["config.json"], encoder.revision, f"{key}.model")
            config, name, stated = load_model_config_from_hf(f"{repository}@{commit}")
            saved = {
                k: v for k, v in (stated or {}).items() if k not in ("img_size", "in_chans", "num_classes")
            }
            if config.get("global_pool"):
                saved.setdefault("global_pool", config["global_pool"])  # it decides which norm comes last
        if not timm.is_model(name):
            raise StudyError(f"{key}.model: {name!r} is not a timm network")
        config = {**timm.get_pretrained_cfg(name).to_dict(), **config}
    except (
        KeyError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:  # no configuration of timm's, no such tag
        raise StudyError(f"{key}.model: {encoder.model!r} is not a timm network: {reason(error)}") from None
    return name, saved, config, commit


def _weights(
    encoder: ImageEncoder, config: Mapping[str, Any], revision: str | None, key: str
) -> tuple[Path | None, str | None, str | None]:
    """Return the file of the weights, where it is from, and its commit."""
    if isinstance(encoder.pretrained, str):
        return Path(encoder.pretrained), encoder.pretrained, revision
    if not encoder.pretrained:
        return None, None, revision
    if not config.get("hf_hub_id"):
        raise StudyError(f"{key}: the hub has no weights of {encoder.model!r}, expected a local file")
    repository = config["hf_hub_id"].split("@")[0]
    names = [config["hf_hub_filename"]] if config.get("hf_hub_filename") else HUB_FILES
    file, commit = fetch(repository, names, revision, key)
    return file, f"{repository}/{file.name}", commit


def _pixels(encoder: ImageEncoder, config: Mapping[str, Any]) -> tuple[float, float] | None:
    if encoder.pixels == "study":
        return None
    if encoder.pixels == "weights":  # of three colours, averaged
        mean, deviation = (sum(config[k]) / len(config[k]) for k in ("mean", "std"))
    else:
        mean, deviation = encoder.pixels
    return mean, deviation
