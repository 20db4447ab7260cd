"""Where each row of the tables comes from: parameters, data, code, machine and cost."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from importlib.metadata import version

from cxrlt_core.params.schema import Params
from cxrlt_core.system.files import file_hash, read_json
from cxrlt_core.system.tensors import read_tensor_metadata
from stages.artifacts.code import fingerprint
from stages.artifacts.environment import revision, versions
from stages.artifacts.identity import row_code, row_identity
from stages.artifacts.paths import (
    external_path,
    model_folder,
    set_path,
    text_environment_path,
    text_path,
    trained_path,
)

COMPUTING = ("torch", "torchvision", "timm", "numpy")  # what a training computes with
SCORING = ("scikit-learn", "pandas", "scipy", "dvc")  # what the report is made with, besides
STAGES = {"table1": ("train", "evaluate", "tta", "report"), "table2": ("train", "tta", "ensemble")}


def provenance(params: Params, members: Mapping[str, Sequence[str]]) -> dict:
    """Return the record of every row, and what trained, embedded and reported.

    ``members``: row of Table 2 to its variants.
    """
    rows1 = {row.name: record(params, "table1", row.model_dump(), [row.variant]) for row in params.table1}
    external = {name: {"data": file_hash(external_path(name))} for name in params.data.external}
    rows2 = {row.name: record(params, "table2", row.model_dump(), members[row.name]) for row in params.table2}
    return {
        "report": report_environment(),
        "seeds": params.train.seeds,
        "bootstrap": params.bootstrap.model_dump(),
        "embeddings": {name: text_environment(name) for name in params.text_encoders},
        "trainings": trainings(params),
        "table1": rows1,
        "table2": rows2,
    } | ({"external": external} if external else {})


def record(params: Params, table: str, row: Mapping, variants: Sequence[str]) -> dict:
    """Return what a row was made from; trainings: its variants."""
    chosen = [params.variants[name] for name in variants]
    images, texts = ({getattr(variant, key) for variant in chosen} for key in ("image", "text"))
    sets = {f"train_{variant.data}" for variant in chosen} | {"dev"}
    if table == "table2":
        sets.add("test")
    hashes = {name: file_hash(set_path(name)) for name in sorted(sets)}
    return {
        "params": fingerprint(row_identity(params, variants, row)),
        "code": row_code(params, variants, STAGES[table], row),
        "data": fingerprint(hashes),
        "sets": hashes,
        "image_encoders": {name: image_origin(name) for name in sorted(images)},
        "text_encoders": {name: text_origin(name) for name in sorted(texts)},
        "models": {name: read_json(trained_path(name)) for name in variants},
        "trainings": list(variants),
    }


def image_origin(name: str) -> dict:
    """Return what an image encoder is, and what was loaded: null where it starts at random."""
    encoder = read_json(f"data/encoders/{name}.json")
    return {"network": encoder["network"], "commit": encoder["commit"], "weights": encoder["weights"]}


def text_environment(name: str) -> dict[str, str]:
    """Return what computed the embeddings of a text encoder."""
    return read_json(text_environment_path(name))


def text_origin(name: str) -> dict:
    """Return where the weights of a text encoder came from: commit, file, hash, what was loaded."""
    return json.loads(read_tensor_metadata(text_path(name))["weights"])


def report_environment() -> dict[str, str]:
    """Return what writes the report: code and versions; no time, so that it is the same if run again."""
    return {"code": revision(), **versions(), **{name: version(name) for name in SCORING}}


def other_versions(params: Params) -> list[str]:
    """Say in lines which variants were trained with other versions of packages than are installed here.

    They identify no training: another PyTorch moves a training by less than another seed does, and an update
    must not cost weeks. Whoever wants them trained anew says so.
    """
    here, alike = versions(), defaultdict(list)
    for variant, costs in trainings(params).items():
        made = [one for cost in costs.values() for one in cost["environments"]]
        names = [name for name in COMPUTING if any(one[name] != here[name] for one in made)]
        if names:
            old = {name: " and ".join(sorted({one[name] for one in made})) for name in names}
            words = ", ".join(f"{name} {value} (here {here[name]})" for name, value in old.items())
            alike[words].append(variant)
    return [
        f"{', '.join(variants)}: trained with {words}; not due for that, and trained anew, once checkpoints/ "
        f"is removed, by dvc repro --force --single-item train@{variants[0]}"
        for words, variants in alike.items()
    ]


def trainings(params: Params) -> dict[str, dict[str, dict]]:
    """Return what each training that is done took, and what computed it, by variant and seed."""
    files = {
        name: {str(seed): model_folder(name, seed) / "cost.json" for seed in params.train.seeds}
        for name in params.variants
    }
    return {
        name: {seed: read_json(path) for seed, path in seeds.items() if path.exists()}
        for name, seeds in files.items()
    }
