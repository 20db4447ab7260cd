"""What identifies a training and a row of a table: its parameters, less the harmless ones, files and code."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from cxrlt_core.params.schema import Params
from cxrlt_core.system.files import file_hash
from stages.artifacts.code import fingerprint, module_code, stage_code
from stages.artifacts.paths import set_path, text_path
from stages.artifacts.settings import HARMLESS, settings_of, without
from stages.artifacts.weights import read_weights

#: Sections of one entry a name, of which a row uses those that its variants name.
NAMED = {"image_encoders": "image", "losses": "loss", "text_encoders": "text"}


def training_identity(params: Params, variant: str, seed: int) -> dict[str, Any]:
    """Return all that decides how a training goes, so that only the same one is taken for it."""
    chosen = params.variants[variant]
    files = [
        set_path(f"train_{chosen.data}"),
        text_path(chosen.text),
        f"data/encoders/{chosen.image}.json",  # its settings, and local weights by content
    ]
    loss = params.loss_of(variant)
    code = {**stage_code("train"), **module_code(f"cxrlt_core.losses.{loss.kind}")}
    return {
        "seed": seed,
        "settings": settings_of(params, "training"),
        "variant": chosen.model_dump(mode="json"),
        "loss": loss.model_dump(mode="json"),
        "weights": read_weights(chosen.weights, seed),
        "files": {path: file_hash(path) for path in files},
        "code": fingerprint(code),
    }


def row_identity(params: Params, variants: Collection[str], row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters behind a row: its own, those of its variants and of what reweights them."""
    content = _restricted(params, {*variants, params.reweight.base})
    return {**without(content, HARMLESS["row"]), "row": dict(row)}


def row_code(params: Params, variants: Collection[str], stages: Iterable[str]) -> str:
    """Return one fingerprint of the code that computes a row: its stages and the losses of its variants."""
    kinds = {params.losses[params.variants[name].loss].kind for name in variants}
    code = [stage_code(stage) for stage in stages]
    code += [module_code(f"cxrlt_core.losses.{kind}") for kind in sorted(kinds)]
    return fingerprint({file: mark for its in code for file, mark in its.items()})


def _restricted(params: Params, variants: Collection[str]) -> dict[str, Any]:
    """Return all parameters, without the variants that are not meant and what only others name."""
    content = params.model_dump(mode="json")
    content["variants"] = {name: content["variants"][name] for name in sorted(variants)}
    for section, key in NAMED.items():
        used = {variant[key] for variant in content["variants"].values()}
        content[section] = {name: entry for name, entry in content[section].items() if name in used}
    return content
