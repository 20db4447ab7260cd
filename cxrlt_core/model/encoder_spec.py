"""What an entry of image_encoders means: a network, its options, its weights, the pixels that they expect."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import timm
from timm.models import load_model_config_from_hf

from cxrlt_core.batches.images import PixelStats
from cxrlt_core.params.encoders import refused_option
from cxrlt_core.params.schema import ImageEncoder
from cxrlt_core.pretrained.model_files import ModelFiles, fetch_files, fetch_weights
from cxrlt_core.system.errors import StudyError, meant, reason

HUB = "hf-hub:"
HUB_FILES = ("model.safetensors", "pytorch_model.bin")


@dataclass(frozen=True)
class EncoderSpec:
    """An entry, found and fetched, nothing built."""

    name: str  # timm's name of the network
    options: dict[str, Any]  # all that it is built with
    pixels: PixelStats | None  # that the weights expect; None: the study's
    # of the weights, named by their path or by repository and name; None: an untrained network
    files: ModelFiles | None
    commit: str | None  # of the hub's repository, if there is one


def resolve_encoder(encoder: ImageEncoder, size: int, key: str) -> EncoderSpec:
    """Find the network of an entry, its options and its weights; those of a hub are fetched.

    A network that takes the side of its images as an option, as transformers do, gets the study's.
    StudyError names ``key`` of params.yaml: an unknown name, or a file of a hub that cannot be fetched.
    """
    name, saved, config, commit = _network(encoder, key)
    options = {**saved, **encoder.options}
    if config.get("fixed_input_size") and not options.get("dynamic_img_size"):
        options.setdefault("img_size", size)
    files = _weights(encoder, config, commit or encoder.revision, f"{key}.pretrained")
    commit = files.commit if files and files.commit else commit
    return EncoderSpec(name, options, _pixels(encoder, config), files, commit)


def _network(encoder: ImageEncoder, key: str) -> tuple[str, dict, dict, str | None]:
    """Return timm's name, the options that a hub states, timm's notes on the weights, and a hub's commit."""
    name, stated, config, commit = encoder.model, {}, {}, None
    try:
        if name.startswith(HUB):
            name, stated, config, commit = _hub_network(name.removeprefix(HUB), encoder.revision)
        if not timm.is_model(name):
            raise StudyError(f"{name!r} is not a timm network{meant(name, timm.list_models())}")
        config = {**timm.get_pretrained_cfg(name).to_dict(), **config}
    except StudyError as error:
        raise StudyError(f"{key}.model: {error}") from None
    except (KeyError, RuntimeError, TypeError, ValueError) as error:  # no configuration, no such tag
        raise StudyError(f"{key}.model: {encoder.model!r} is not a timm network: {reason(error)}") from None
    return name, stated, config, commit


def _hub_network(repository: str, revision: str | None) -> tuple[str, dict, dict, str]:
    """Return what config.json says of a network in timm's format, less what the study decides."""
    folder = fetch_files(repository, revision, ["config.json"])
    if not (folder / "config.json").is_file():
        raise StudyError(f"{repository!r} has no config.json")
    config, name, stated = load_model_config_from_hf(f"{repository}@{folder.name}")
    stated = {k: v for k, v in (stated or {}).items() if k not in ("img_size", "in_chans", "num_classes")}
    if refused := [option for option in stated if refused_option(option)]:
        raise StudyError(f"the config.json of {repository!r} names what is no option: {', '.join(refused)}")
    if config.get("global_pool"):
        stated.setdefault("global_pool", config["global_pool"])  # it decides which norm comes last
    return name, stated, config, folder.name


def _weights(
    encoder: ImageEncoder, config: Mapping[str, Any], revision: str | None, key: str
) -> ModelFiles | None:
    if isinstance(encoder.pretrained, str):
        file = Path(encoder.pretrained)
        return ModelFiles(file.parent, [file], encoder.pretrained, None)
    if not encoder.pretrained:
        return None
    if not config.get("hf_hub_id"):
        raise StudyError(f"{key}: the hub has no weights of {encoder.model!r}, expected a local file")
    repository = config["hf_hub_id"].split("@")[0]
    names = [config["hf_hub_filename"]] if config.get("hf_hub_filename") else HUB_FILES
    try:
        files = fetch_weights(repository, revision, names)
    except StudyError as error:
        raise StudyError(f"{key}: cannot load {repository!r}: {error}") from None
    return replace(files, name=f"{repository}/{files.name}")


def _pixels(encoder: ImageEncoder, config: Mapping[str, Any]) -> PixelStats | None:
    if encoder.pixels == "study":
        return None
    if encoder.pixels == "weights":  # of three colours, averaged
        return PixelStats(*(sum(config[k]) / len(config[k]) for k in ("mean", "std")))
    return PixelStats(*encoder.pixels)
