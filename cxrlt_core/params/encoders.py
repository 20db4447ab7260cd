"""The sections of image encoders."""

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, field_validator, model_validator

from cxrlt_core.system.settings import Real, Section, usual


def _switch_or_file(value: Any) -> Any:
    if not isinstance(value, bool | str):
        raise ValueError("input should be true, false or a file")
    return value


def _pixels(value: Any) -> Any:
    numbers = isinstance(value, list) and [type(n) in (int, float) for n in value] == [True, True]
    if value not in ("study", "weights") and not (numbers and value[1] > 0):
        raise ValueError("input should be study, weights or [mean, deviation] of pixels from 0 to 1")
    return value


#: Arguments of timm.create_model that name files, or make another thing of a network than tokens.
NO_OPTIONS = {
    "cache_dir",
    "checkpoint_path",
    "feature_cls",
    "features_only",
    "in_chans",
    "num_classes",
    "out_indices",
}


def refused_option(name: str) -> bool:
    """Whether an option would load a file behind the checks, or change what the study decides."""
    return name in NO_OPTIONS or name.startswith("pretrained")


class ImageEncoder(Section):
    """A timm network, its weights, how they are read and what pixels they expect."""

    model: str = usual("resnet50")  # timm's name, or hf-hub:organisation/name
    pretrained: Annotated[bool | str, BeforeValidator(_switch_or_file)] = usual(True)  # of the hub, or local
    revision: str | None = usual(None)  # commit, tag or branch of the hub's repository
    layout: Literal["timm", "transformers_dinov2"] = usual("timm")  # of the weights
    prefix: str | None = usual(None)  # of the tensors that are taken, and lose it
    rename: list[list[str | None]] = usual([])  # regular expression and replacement, null to leave out
    pixels: Annotated[str | list[Real], BeforeValidator(_pixels)] = usual("study")
    options: dict[str, Any] = usual({})  # further keyword arguments of timm.create_model

    @field_validator("rename")
    @classmethod
    def compile_patterns(cls, value: list[list[str | None]]) -> list[list[str | None]]:
        """Reject what is no pair of a regular expression and its replacement."""
        for rule in value:
            if len(rule) != 2 or rule[0] is None:
                raise ValueError(f"{rule} is no pair of a regular expression and its replacement")
            try:
                re.compile(rule[0])
                re.sub(rule[0], rule[1] or "", "")
            except (re.error, IndexError) as error:
                raise ValueError(f"{rule}: not a regular expression and its replacement: {error}") from None
        return value

    @field_validator("options")
    @classmethod
    def bring_no_weights(cls, value: dict[str, Any]) -> dict[str, Any]:
        """Reject options that would load a file behind the checks, or change what the study decides."""
        for name in value:
            if refused_option(name):
                raise ValueError(
                    f"{name!r} is no option of a network; its weights are named by pretrained alone"
                )
        return value

    @model_validator(mode="after")
    def fit_together(self) -> "ImageEncoder":
        """Reject a hub's model that is not pinned, and settings of weights that are not there."""
        if self.model.startswith("hf-hub:"):
            if self.revision is None:
                raise ValueError("model hf-hub:… needs a revision: a commit or a tag")
        elif self.revision is not None and self.pretrained is not True:
            raise ValueError("revision is of a hub's weights, and there are none")
        if self.pixels == "weights" and self.pretrained is not True:
            raise ValueError(
                "pixels: weights is known of a hub's weights alone; of others write [mean, deviation]"
            )
        if not self.pretrained and (self.prefix or self.rename or self.layout != "timm"):
            raise ValueError("layout, prefix and rename are of weights, and there are none")
        return self
