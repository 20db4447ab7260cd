"""Clipping of pixels: the darkest and brightest of each image become as dark and bright as the next.

So letters, markers and metal do not stand out. It acts before the image encoder, in training on images as
transformed and blended, and in prediction alike. Whoever clips images of 16 bits also stretches what is left
to the whole range; these are packed to 8 bits before, so the range stays as it is.

Cost: two partial sorts of the pixels of each image, in training and prediction.
Said to help: as a part of the winner of CXR-LT 2026.
Claimed: alone, none known for this task.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from cxrlt_core.system.settings import Real, Section, usual

if TYPE_CHECKING:  # every stage reads the settings of designs; torch takes two seconds
    from torch import Tensor, nn

TITLE = "clipped"
SOURCE = "github.com/hieuphamha19/CXR_LT (CXR-LT 2026), for images of 16 bits"


class Settings(Section):
    """How many pixels are clipped at either end."""

    share: Annotated[Real, Field(gt=0, lt=0.5)] = usual(0.005)  # the 0.5th and the 99.5th percentile


def cell(settings: Settings) -> str:
    """Return the share."""
    return f"{settings.share:.1%}"


def encoder(settings: Settings, encoder: nn.Module) -> nn.Module:
    """Let the encoder, of whatever kind, see clipped images."""

    def clipped(module: nn.Module, images: tuple[Tensor]) -> Tensor:
        return clip(images[0], settings.share)

    encoder.register_forward_pre_hook(clipped)  # and not a module around it, so that its weights keep names
    return encoder


def clip(images: Tensor, share: float) -> Tensor:
    """Clip each image (B, 1, H, W) to the pixels that so large a share of it is beyond, at either end."""
    pixels = images.flatten(1)
    beyond = int(share * pixels.shape[1])
    high = pixels.topk(beyond + 1).values[:, -1]
    low = pixels.topk(beyond + 1, largest=False).values[:, -1]
    return pixels.clamp(low[:, None], high[:, None]).view_as(images)
