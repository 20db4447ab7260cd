"""Where each row of the tables comes from: parameters, data, code, machine and cost."""

import json
import platform
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import version

from cxrlt_core.params.schema import Params
from cxrlt_core.system.files import file_hash, read_json
from cxrlt_core.system.tensors import read_tensor_metadata
from stages.artifacts.code import fingerprint
from stages.artifacts.identity import row_code, row_identity
from stages.artifacts.paths import model_folder, set_path, text_path, trained_path

PACKAGES = ("torch", "timm", "transformers", "scikit-learn", "pandas", "numpy", "scipy", "dvc")
STAGES = {"table1": ("train", "evaluate", "tta", "report"), "table2": ("train", "tta", "ensemble")}


def provenance(params: Params, members: Mapping[str, Sequence[str]]) -> dict:
    """Return the record of every row, table by table; members: row of Table 2 to its variants."""
    rows1 = {row.name: record(params, "table1", row.model_dump(), [row.variant]) for row in params.table1}
    rows2 = {row.name: record(params, "table2", row.model_dump(), members[row.name]) for row in params.table2}
    return {
        "revision": revision(),
        "versions": versions(),
        "seeds": params.train.seeds,
        "bootstrap": params.bootstrap.model_dump(),
        "table1": rows1,
        "table2": rows2,
    }


def record(params: Params, table: str, row: Mapping, variants: Sequence[str]) -> dict:
    """Return what a row was made from, and what each of its trainings took, seed by seed."""
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
        "trainings": {
            name: {str(s): read_json(model_folder(name, s) / "cost.json") for s in params.train.seeds}
            for name in variants
        },
    }


def image_origin(name: str) -> dict:
    """Return what an image encoder is, and what was loaded: null where it starts at random."""
    encoder = read_json(f"data/encoders/{name}.json")
    return {"network": encoder["network"], "commit": encoder["commit"], "weights": encoder["weights"]}


def text_origin(name: str) -> dict:
    """Return where the weights of a text encoder came from: commit, file, hash, what was loaded."""
    return json.loads(read_tensor_metadata(text_path(name))["weights"])


def versions() -> dict[str, str]:
    """Return the versions of what computed the numbers."""
    return {"Python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def revision() -> str:
    """Name the last commit that touched the code, and say whether the code has changed since."""
    code = ["--", "stages", "cxrlt_core", "dvc.yaml", "params.yaml"]
    commands = (["log", "-1", "--format=%h", *code], ["status", "--porcelain", *code])
    try:
        log, changed = (
            subprocess.run(["git", *c], capture_output=True, text=True, check=True).stdout.strip()
            for c in commands
        )
    except (OSError, subprocess.CalledProcessError):
        return "not under git"
    return f"{log or 'never committed'}{', with uncommitted changes' if changed else ''}"
