"""Build one image encoder at the study's size, before anything is packed or trained, and say what it is.

Usage: python -m stages.encoder <image encoder>
"""

from typing import Any

from cxrlt_core.model.encoder_spec import resolve_encoder
from cxrlt_core.model.image_encoder import describe_network, load_network
from cxrlt_core.params.schema import Params
from cxrlt_core.pretrained.strict import origin_text, weights_origin
from cxrlt_core.study.variants import sizes_of
from cxrlt_core.system.files import write_json
from stages.artifacts.border import run_stage


def main(params: Params, name: str) -> None:
    """Write data/encoders/<name>.json, and print it in a line."""
    encoder, size, key = params.image_encoders[name], params.image.size, f"image_encoders.{name}"
    for other in sorted({*sizes_of(params, name)} - {size}):  # of recipes
        network, _ = load_network(encoder, resolve_encoder(encoder, other, key), other, key)
        shape = describe_network(network, encoder, other, key)
        print(f"{key}: at {other} pixels {shape['tokens']} tokens, {shape['gflops']:.3g} GFLOPs an image")
    plan = resolve_encoder(encoder, size, key)
    network, loaded = load_network(encoder, plan, size, key)
    description = {
        "network": plan.name,
        "options": plan.options,
        "pixels": plan.pixels,
        **describe_network(network, encoder, size, key),
        "commit": plan.commit,
        "weights": weights_origin(plan.files, encoder.prefix or "", loaded) if plan.files else None,
        "settings": encoder.model_dump(mode="json"),  # each counts: what trains depends on this file alone
    }
    write_json(f"data/encoders/{name}.json", description)
    print(f"{key}: {in_a_line(description)}", flush=True)


def in_a_line(encoder: dict[str, Any]) -> str:
    """Say what an encoder is and what was loaded."""
    shape = f"{encoder['tokens']} tokens of {encoder['width']}"
    size = f"{encoder['parameters']:,} parameters, {encoder['gflops']:.3g} GFLOPs an image"
    weights = origin_text(encoder["weights"]) if encoder["weights"] else "untrained"
    return f"{encoder['network']}, {shape}, {size}: {weights}"


if __name__ == "__main__":
    run_stage(main)
