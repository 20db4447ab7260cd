"""The classifier: image encoder, query network, last layer."""

from cxrlt_core.model.light_timm import lighten_timm

lighten_timm()  # before any module of this room imports timm
