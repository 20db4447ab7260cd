"""Encode the label names with one frozen text encoder.

Usage: python -m stages.embed <text encoder>
"""

import json

import torch

from cxrlt_core.designs.text_encoder import embed_labels
from cxrlt_core.params.schema import Params
from cxrlt_core.pretrained.strict import origin_text
from cxrlt_core.system.files import write_json
from cxrlt_core.system.tensors import write_tensors
from stages.artifacts.border import run_stage
from stages.artifacts.environment import environment
from stages.artifacts.paths import text_environment_path, text_path


def main(params: Params, name: str) -> None:
    """Write data/text/<name>.safetensors with one embedding for each class of the label space.

    What computed them stands beside it, in a file on which no training depends.
    """
    encoder, labels = params.text_encoders[name], params.label_space.classes
    embeddings, origin = embed_labels(labels, encoder, key=f"text_encoders.{name}")
    print(f"text_encoders.{name}: {encoder.model}: {origin_text(origin)}")
    prompts = [encoder.prompt.format(label=label) for label in labels]
    metadata = {
        "encoder": encoder.model,
        "labels": json.dumps(labels),
        "pooling": encoder.pooling,
        "prompts": json.dumps(prompts),
        "revision": origin["commit"] or "local",  # what the revision of params.yaml was on that day
        "weights": json.dumps(origin),
    }
    write_tensors(text_path(name), {"embeddings": embeddings}, metadata)
    write_json(text_environment_path(name), environment(torch.device("cpu")))


if __name__ == "__main__":
    run_stage(main)
