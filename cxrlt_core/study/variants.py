"""What the names in a study stand for: what a variant is made of, and who the members of an ensemble are."""

from collections.abc import Iterator
from typing import Any

from cxrlt_core.designs import TRAINING, using
from cxrlt_core.designs.reweight import reweightings
from cxrlt_core.losses import LossSettings
from cxrlt_core.params.schema import Params, Table2Row
from cxrlt_core.study.recipes import BY_RECIPE, resolved
from cxrlt_core.system.settings import Section

SCRATCH = "none"  # init: no other variant's weights
#: Keys of a recipe that change no number.
HARMLESS = ("train.checkpoint_minutes", "train.monitor", "train.resident")


def loss_of(params: Params, variant: str) -> LossSettings:
    """Return the settings of the loss that a variant trains with."""
    return params.losses[params.variants[variant].loss]


def designs_of(params: Params, variant: str, hooks: tuple[str, ...] = TRAINING) -> dict[str, Section]:
    """Return those designs of a variant that use any of some hooks: name to settings."""
    designs = params.variants[variant].designs
    return {name: designs[name] for name in using(designs, hooks)}


def used_sources(params: Params) -> list[str]:
    """Return the primary source, then the extra ones."""
    return [params.data.primary, *params.data.extra]


def members(params: Params) -> list[str]:
    """Return the variants that ensembles are made of: those named, or else those of the published rows."""
    published = [row.variant for row in params.table1 if row.published is not None]
    chosen = published if params.ensemble.members is None else params.ensemble.members
    return [name for name in params.variants if name in chosen]


def all_members(params: Params) -> list[str]:
    """Return :func:`members`, then what rows of Table 2 name beside them, so that these move no other row."""
    own = members(params)
    named = {name for row in params.table2 for name in row.members or []}
    return own + [name for name in params.variants if name in named and name not in own]


def row_members(params: Params, row: Table2Row) -> list[str]:
    """Return the variants that a row of Table 2 is made of, in the order of :func:`all_members`."""
    if row.members is not None:
        return [name for name in all_members(params) if name in row.members]
    return [name for name in members(params) if row.replenished or not replenished(params, name)]


def sizes_of(params: Params, encoder: str) -> list[int]:
    """Return the sides in pixels of the images that an image encoder gets from its variants."""
    users = [name for name, variant in params.variants.items() if variant.image == encoder]
    return sorted({resolved(params, name).image.size for name in users})


def trains_after(params: Params, variant: str) -> list[str]:
    """Return the variants whose training, or whose scores, a training starts from."""
    chosen = params.variants[variant]
    start = [] if chosen.init == SCRATCH else [chosen.init]
    return start if chosen.weights == "uniform" else [*start, params.reweight.base]


def lineage(params: Params, variant: str) -> list[str]:
    """Return a variant and those that it starts from, one from the other."""
    init = params.variants[variant].init
    return [variant] if init == SCRATCH else [variant, *lineage(params, init)]


def replenished(params: Params, variant: str) -> bool:
    """Whether a variant, or one that it starts from, has seen data of extra sources."""
    return any(params.variants[name].data == "replenished" for name in lineage(params, variant))


def trained_sources(params: Params, variant: str) -> list[str]:
    """Return the sources that a variant, or one that it starts from, has trained on."""
    return used_sources(params) if replenished(params, variant) else [params.data.primary]


def drawn_sources(params: Params, variant: str) -> list[str]:
    """Return the sources that the demo drew, and a variant, or one that it starts from, has seen."""
    return [name for name in trained_sources(params, variant) if name in params.demo.sources]


def contents(params: Params, variant: str) -> dict[str, Any]:
    """Return all that a variant is, key by key, with what names stand for in their place.

    Two variants are the same training where these are equal. Keys of a recipe stand for themselves, so that
    a recipe that changes nothing is none.
    """
    chosen, whole = params.variants[variant], resolved(params, variant)
    weights = reweightings(params.reweight).get(chosen.weights)
    return {
        **chosen.model_dump(exclude={"designs", "recipe"}),
        "image": params.image_encoders[chosen.image].model_dump(),
        "text": params.text_encoders[chosen.text].model_dump(),
        "loss": params.losses[chosen.loss].model_dump(),
        "weights": weights and weights.model_dump(),
        "init": None if chosen.init == SCRATCH else contents(params, chosen.init),
        **{name: settings.model_dump() for name, settings in chosen.designs.items()},
        **{
            key: value
            for section in BY_RECIPE
            for key, value in _flat(section, getattr(whole, section))
            if key not in HARMLESS and key != "train.epochs"
        },
        "train.steps": length(params, variant),
    }


def length(params: Params, variant: str) -> str:
    """Say how long a variant trains: as many epochs of replenished data are more steps, so data are named."""
    train = resolved(params, variant).train
    if train.steps:
        return f"{train.steps} steps"
    epochs = f"{train.epochs} epochs" if train.epochs != 1 else "1 epoch"
    return f"{epochs} of {name}" if (name := params.variants[variant].data) != "primary" else epochs


def changes(params: Params, recipe: str) -> dict[str, Any]:
    """Return the keys that a recipe changes, and their values."""
    return {
        key: value
        for section in BY_RECIPE
        for (key, value), (_, usual) in zip(
            _flat(section, getattr(params.recipes[recipe], section)),
            _flat(section, getattr(params, section)),
            strict=True,
        )
        if value != usual
    }


def _flat(key: str, section: Section) -> Iterator[tuple[str, Any]]:
    """Yield the values of a section, and of those within it, by their keys in params.yaml."""
    for name, value in section:
        if isinstance(value, Section):
            yield from _flat(f"{key}.{name}", value)
        else:
            yield f"{key}.{name}", value
