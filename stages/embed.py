"""Encode the label names with one frozen text encoder.

Usage: python -m stages.embed <text encoder>
"""

import json

from cxrlt_core.designs.text_encoder import embed_labels
from cxrlt_core.labels import CLASSES
from cxrlt_core.params.schema import Params
from cxrlt_core.system.tensors import write_tensors
from stages.artifacts.border import run_stage


def main(params: Params, name: str) -> None:
    """Write data/text/<name>.safetensors with one embedding for each of the 26 classes."""
    encoder = params.text_encoders[name]
    embeddings = embed_labels(CLASSES, encoder, key=f"text_encoders.{name}")
    metadata = {
        "encoder": encoder.model,
        "revision": encoder.revision or "default",
        "pooling": encoder.pooling,
        "prompts": json.dumps([encoder.prompt.format(label=label) for label in CLASSES]),
    }
    write_tensors(f"data/text/{name}.safetensors", {"embeddings": embeddings}, metadata)


if __name__ == "__main__":
    run_stage(main)
