"""Where each row of the tables comes from: parameters, data, code, machine and cost."""

import hashlib
import json
import platform
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import version

from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.tables import Row
from stages.artifacts.border import file_hash
from stages.artifacts.sets import set_path

PACKAGES = ("torch", "timm", "transformers", "scikit-learn", "pandas", "numpy", "scipy", "dvc")
SHARED = ("data", "image", "query", "train", "mixup", "reweight", "tta", "study", "ensemble", "bootstrap")


def provenance(
    params: Params,
    tables: Mapping[str, Sequence[Row]],
    ensembles: Mapping[str, Mapping],
    costs: Mapping[str, Sequence[Mapping]],
) -> dict:
    """Return the record of every row, table by table."""
    variants = {row.name: [row.variant] for row in params.table1}
    variants |= {name: entry["models"] for name, entry in ensembles.items()}
    shared = {
        "code": revision(),
        "versions": versions(),
        "seeds": params.train.seeds,
        "bootstrap": params.bootstrap.model_dump(),
    }
    rows = {
        table: {row.name: record(params, table, variants[row.name], costs) for row in rows}
        for table, rows in tables.items()
    }
    return {**shared, **rows}


def record(
    params: Params, table: str, variants: Sequence[str], costs: Mapping[str, Sequence[Mapping]]
) -> dict:
    """Return what a row was made from, and what each of its trainings took, seed by seed."""
    settings = params.model_dump(include=set(SHARED))
    settings["variants"] = {name: params.variants[name].model_dump() for name in variants}
    encoders = {params.variants[name].image for name in variants}
    settings["image_encoders"] = {name: params.image_encoders[name].model_dump() for name in sorted(encoders)}
    texts = {params.variants[name].text for name in variants}
    settings["text_encoders"] = {name: params.text_encoders[name].model_dump() for name in sorted(texts)}
    sets = {f"train_{params.variants[name].data}" for name in variants} | {"dev"}
    if table == "table2":
        sets.add("test")
    hashes = {name: file_hash(set_path(name)) for name in sorted(sets)}
    return {
        "params": digest(settings),
        "data": digest(hashes),
        "sets": hashes,
        "trainings": {
            name: dict(zip(map(str, params.train.seeds), costs[name], strict=True)) for name in variants
        },
    }


def digest(content: Mapping) -> str:
    """Return the SHA-256 of plain values."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


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
