"""timm's networks without the packages that only its data loaders and feature extractors use."""

import sys

from cxrlt_core.system.deferred import defer, wake


def lighten_timm() -> None:
    """Make the first import of timm a second of CPU cheaper; call it before that.

    What the networks take at import is there, all else is loaded by its first use: ``timm.data``, of which
    they take constants; ``torchvision``, of which they take a batch norm and a feature extractor; the
    compiler, from which one network shields some functions. torch's ``_disable_dynamo`` shields them as
    ``torch.compiler.disable`` does, but from the first call on.
    """
    if "timm" in sys.modules:
        return
    defer("torchvision", "torchvision.models", "torchvision.ops", "timm", "timm.data")
    import timm.data.constants
    import timm.layers
    import torch

    for name, value in vars(timm.data.constants).items():
        if name.isupper():
            setattr(timm.data, name, value)
    timm.layers.disable_compiler = torch._disable_dynamo
    wake(timm)
