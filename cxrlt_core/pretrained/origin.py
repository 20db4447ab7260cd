"""Where loaded weights come from, as plain values that are kept beside what was made with them."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from cxrlt_core.pretrained.model_files import ModelFiles
from cxrlt_core.pretrained.strict import Loaded


def weights_origin(files: ModelFiles, prefix: str, loaded: Loaded) -> dict[str, Any]:
    """Return commit (null for local files), file, SHA-256, prefix taken from names, and what was loaded."""
    place = {"commit": files.commit, "file": files.name, "sha256": files.sha256()}
    return {**place, "prefix": prefix, **asdict(loaded)}


def origin_text(origin: Mapping[str, Any]) -> str:
    """Return an origin in words, on one line."""
    commit = f"commit {origin['commit']}, " if origin["commit"] else ""
    under = f" under `{origin['prefix']}`" if origin["prefix"] else ""
    left = ", ".join(f"{name} {count}" for name, count in origin["left_out"].items())
    return (
        f"{commit}{origin['file']} (SHA-256 {origin['sha256'][:12]}): {origin['tensors']} tensors{under}, "
        f"{origin['parameters']:,} parameters, {origin['share']:.1%} of the network"
        f"{f'; left out: {left}' if left else ''}"
    )
