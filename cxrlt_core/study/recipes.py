"""What recipes change, and how each variant sees images."""

from cxrlt_core.params.schema import Image, Params

BY_RECIPE = ("train", "image", "query")


def resolved(params: Params, variant: str) -> Params:
    """Return the parameters as they are for a variant: its recipe in place of the study's sections."""
    name = params.variants[variant].recipe
    if name is None:
        return params
    return params.model_copy(update={key: getattr(params.recipes[name], key) for key in BY_RECIPE})


def geometries(params: Params) -> dict[str, Image]:
    """Return how each variant sees images: its name to size and fit."""
    return {name: resolved(params, name).image for name in params.variants}
