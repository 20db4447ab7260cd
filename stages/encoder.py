"""Build one image encoder at the study's size, before anything is trained, and describe what was loaded.

Usage: python -m stages.encoder <image encoder>
"""

import torch

from cxrlt_core.model.image_encoder import load_image_encoder
from cxrlt_core.params.schema import Params
from cxrlt_core.system.files import read_json, write_json
from stages.artifacts.border import run_stage


def main(params: Params, name: str) -> None:
    """Write data/encoders/<name>.json."""
    encoder, size = params.image_encoders[name], params.image.size
    tokens = load_image_encoder(encoder, size, f"image_encoders.{name}").eval()
    with torch.inference_mode():
        _, count, width = tokens(torch.zeros(1, 1, size, size)).shape
    description = {
        "model": encoder.model,
        "pretrained": encoder.pretrained,
        "options": encoder.options,
        "parameters": sum(p.numel() for p in tokens.parameters()),
        "tokens": count,
        "width": width,
        **read_json(f"data/pretrained/image/{name}.json"),
    }
    write_json(f"data/encoders/{name}.json", description)


if __name__ == "__main__":
    run_stage(main)
