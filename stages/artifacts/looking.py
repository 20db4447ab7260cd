"""Where models look: what of boxes identifies it, and where it lies on external sets.

Trainings depend on what the parameters of stages are made by; boxes are none of their business.
"""

from collections.abc import Mapping
from typing import Any

from cxrlt_core.params.schema import Params
from stages.artifacts.settings import ATTENTION, DESCRIPTION, without


def looking_files(params: Params, files: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of data/settings with the boxes, by content, where they enter, and nowhere else.

    ``files`` are those of :func:`stages.artifacts.settings.settings_files`.
    """
    looks = files[ATTENTION]
    space = params.label_space.model_dump(mode="json", exclude={"counts", "groups", "title", "unseen"})
    told: dict[str, Any] = {}
    for name, named in params.data.boxes.items():
        told[name] = {"boxes": [file.model_dump(mode="json") for file in named], "label_space": space}
    found = {**files, DESCRIPTION: without(files[DESCRIPTION], ["data.boxes"])}
    found[ATTENTION] = {**looks, **told.get(params.data.primary, {})}
    for name, external in params.data.external.items():  # without boxes nothing is looked at
        own = {**looks, **told[name], "hospital": external.hospital} if name in told else {}
        found[f"{ATTENTION}/{name}"] = own
    return found


def external_attention(name: str) -> str:
    """Return where it is said where the base variant looks on an external set."""
    return f"metrics/attention/{name}.json"
