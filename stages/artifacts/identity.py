"""What identifies a training and a row of a table: its parameters, less the harmless ones, files and code."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from cxrlt_core.params.schema import Params
from cxrlt_core.study.variants import SCRATCH, trains_after
from cxrlt_core.system.files import file_hash, read_json
from stages.artifacts.code import design_code, fingerprint, stage_code, variant_code
from stages.artifacts.paths import pixels_path, set_path, text_path, weights_path
from stages.artifacts.settings import UNTRACKED_PARAMS, training_settings, without
from stages.artifacts.weights import read_weights

#: Sections of one entry a name, of which a row uses those that its variants name.
NAMED = {"image_encoders": "image", "losses": "loss", "recipes": "recipe", "text_encoders": "text"}


def training_identity(params: Params, variant: str, seed: int) -> dict[str, Any]:
    """Return all that decides how a training goes, so that only the same one is taken for it."""
    chosen = params.variants[variant]
    files = [
        set_path(f"train_{chosen.data}"),
        text_path(chosen.text),
        f"data/encoders/{chosen.image}.json",  # its settings, and local weights by content
    ]
    return {
        "stream": [variant, seed],  # what seeds all that is random
        "settings": training_settings(params, variant),
        "weights": read_weights(chosen.weights, seed),
        "files": {path: file_hash(path) for path in files},
        "pixels": read_json(pixels_path(variant)).get(f"train_{chosen.data}"),
        "start": None if chosen.init == SCRATCH else file_hash(weights_path(chosen.init, seed)),
        "code": fingerprint(variant_code(params, variant)),
    }


def row_identity(params: Params, variants: Collection[str], row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters behind a row: its own, those of its variants and of what reweights them."""
    content = _restricted(params, _behind(params, variants))
    return {**without(content, UNTRACKED_PARAMS), "row": dict(row)}


def row_code(params: Params, variants: Collection[str], stages: Iterable[str], row: Mapping[str, Any]) -> str:
    """Return one fingerprint of the code that computes a row: its stages, losses, designs and method."""
    code = [stage_code(stage) for stage in stages]
    for variant in sorted(_behind(params, variants)):
        code += [variant_code(params, variant), design_code(params.variants[variant].designs)]
    code += [design_code([row["method"]])] if "method" in row else []
    return fingerprint({file: mark for marks in code for file, mark in marks.items()})


def _behind(params: Params, variants: Iterable[str]) -> set[str]:
    """Return variants with those that they start from, or whose scores reweight them."""
    return {name for v in variants for name in (v, *_behind(params, trains_after(params, v)))}


def _restricted(params: Params, variants: Collection[str]) -> dict[str, Any]:
    """Return all parameters, without the variants that are not meant and what only others name."""
    content = params.model_dump(mode="json", exclude={"designs"})  # its variants have those that they name
    content["variants"] = {name: content["variants"][name] for name in sorted(variants)}
    for section, key in NAMED.items():
        used = {variant[key] for variant in content["variants"].values()}
        content[section] = {name: entry for name, entry in content[section].items() if name in used}
    return content
