"""Random resized crop: a random part of each training image fills the whole of it; predictions see all of it.

The part has a share of the area that is uniform from ``area`` to 1 and sides whose ratio is log-uniform
within 3 : 4 and 4 : 3, or less where a side would not fit. It is cut after the transforms of
``train.augment`` from an image of the network's size, so a crop is magnified and no sharper. Blends are
cropped as they are.

Cost: one more interpolation of the training images.
Said to help: generalisation; a finding may be cut off, and its label stays.
Claimed: none known for this task.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from cxrlt_core.designs.hooks import Context, Inputs
from cxrlt_core.system.settings import Real, Section, usual

if TYPE_CHECKING:  # every stage reads the settings of designs; torch takes two seconds
    from torch import Tensor

TITLE = "random crop"
SOURCE = "Szegedy et al. 2015, arXiv:1409.4842"
AFTER = ("mixup", "balanced_mixup")  # both images of a blend are cropped alike
EXCLUDES = {"cutmix": "a crop changes the areas by which the losses of both images count"}

ASPECT = 4 / 3  # longest side over shortest


class Settings(Section):
    """How much is left at least."""

    area: Annotated[Real, Field(gt=0, lt=1)] = usual(0.2)  # smallest share of the image


def cell(settings: Settings) -> str:
    """Return the smallest share."""
    return f"from {settings.area:.0%}"


def inputs(settings: Settings, context: Context) -> Inputs:
    """Crop each image by a rectangle of its own, drawn on the device from the seed of the step."""
    import torch
    from torch.nn import functional as F

    def crop(images: Tensor, partners: Tensor | None, values: Mapping[str, Tensor]) -> Tensor:
        uniform = torch.rand(4, len(images), device=images.device)
        area = settings.area + (1 - settings.area) * uniform[0]
        widest = (-area.log()).clamp(max=math.log(ASPECT))
        aspect = (widest * (2 * uniform[1] - 1)).exp()
        sides = torch.stack([(area * aspect).sqrt(), (area / aspect).sqrt()], dim=1)
        centre = (1 - sides) * (2 * uniform[2:].T - 1)  # in the coordinates of a grid, from -1 to 1
        geometry = torch.cat([torch.diag_embed(sides), centre[:, :, None]], dim=2)
        grid = F.affine_grid(geometry, list(images.shape), align_corners=False)
        return F.grid_sample(images, grid, padding_mode="border", align_corners=False)

    return crop
