"""What identifies a training and a row of a table: everything, less what is known to be harmless.

So a parameter that is new counts until somebody says, here and with a reason, why it does not.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from cxrlt_core.params.schema import Params
from cxrlt_core.system.files import file_hash
from stages.artifacts.code import fingerprint, module_code, stage_code
from stages.artifacts.paths import set_path

#: Keys of params.yaml that change no training, and why.
HARMLESS_TO_TRAINING = {
    "bootstrap": "comes after training",
    "compute.batch_size": "of inference",
    "data": "reaches training through the files of its sets",
    "demo": "reaches training through the files of its sets",
    "ensemble": "comes after training",
    "evidence": "comes after training",
    "image_encoders": "reach training through the file that describes them",
    "image.max_rejects": "reaches training through the files of its sets",
    "image.store": "where arrays lie, which are known by content",
    "launch": "how processes are started; their number counts on its own",
    "losses": "a training has one, which counts on its own",
    "report": "comes after training",
    "reweight": "reaches training through the file of its weights",
    "study": "comes after training",
    "table1": "comes after training",
    "table2": "comes after training",
    "text_encoders": "reach training through the file of their embeddings",
    "train.checkpoint_minutes": "when a state is saved",
    "train.resident": "where images lie",
    "train.seeds": "a training has one, which counts on its own",
    "tta": "comes after training",
    "variants": "a training has one, which counts on its own",
}

#: Keys that change no number of a row, and why.
HARMLESS_TO_ROW = {
    "evidence": "how contrasts of rows are judged",
    "image.store": "where arrays lie, which are known by content",
    "launch": "how processes are started; provenance names their number",
    "report": "what is shown",
    "table1": "the other rows, and published figures",
    "table2": "the other rows, and published figures",
    "train.checkpoint_minutes": "when a state is saved",
    "train.resident": "where images lie",
}

#: Sections of one entry a name, of which a row uses those that its variants name.
NAMED = {"image_encoders": "image", "losses": "loss", "text_encoders": "text"}


def training_settings(params: Params) -> dict[str, Any]:
    """Return the parameters that every training depends on, whatever its variant."""
    return _without(params.model_dump(mode="json"), HARMLESS_TO_TRAINING)


def training_identity(params: Params, variant: str, seed: int) -> dict[str, Any]:
    """Return all that decides how a training goes, so that only the same one is taken for it."""
    chosen = params.variants[variant]
    files = [
        set_path(f"train_{chosen.data}"),
        f"data/text/{chosen.text}.safetensors",
        f"data/encoders/{chosen.image}.json",  # its settings, and local weights by content
        f"weights/{chosen.weights}.json",
    ]
    loss = params.loss_of(variant)
    code = {**stage_code("train"), **module_code(f"cxrlt_core.losses.{loss.kind}")}
    return {
        "seed": seed,
        "settings": training_settings(params),
        "variant": chosen.model_dump(mode="json"),
        "loss": loss.model_dump(mode="json"),
        "files": {path: file_hash(path) for path in files},
        "code": fingerprint(code),
    }


def row_identity(params: Params, variants: Collection[str], row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters behind a row: its own, those of its variants and of what reweights them."""
    content = _restricted(params, {*variants, params.reweight.base})
    return {**_without(content, HARMLESS_TO_ROW), "row": dict(row)}


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


def _without(content: dict[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    for key in keys:
        section, _, name = key.partition(".")
        if name:
            content[section] = {k: v for k, v in content[section].items() if k != name}
        else:
            del content[section]
    return content
