"""The border: the content of params.yaml, validated once.

An unknown key, a wrong type or a value out of range raises :class:`StudyError` with one line per
problem, each naming the key.
"""

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from cxrlt_core.params.explain import explain
from cxrlt_core.params.schema import Params, Table1Row
from cxrlt_core.system.errors import StudyError, cut


def parse_params(content: Any, file: str = "params.yaml") -> Params:
    """Validate the content of a params file.

    Args:
        content: what YAML gave.
        file: its name, for messages.

    Raises:
        StudyError: with one line per problem, each naming the file and the key.
    """
    if not isinstance(content, dict):
        raise StudyError(f"{file}: expected a mapping of sections, found {type(content).__name__}")
    try:
        params = Params.model_validate(content)
    except ValidationError as error:
        raise StudyError("\n".join(f"{file}: {line}" for line in explain(error.errors(), content))) from None
    problems = list(_dangling_names(params)) or list(_equal_rows(params))
    if problems:
        raise StudyError("\n".join(f"{file}: {cut(problem, 800)}" for problem in problems))
    return params


def _dangling_names(params: Params) -> Any:
    """Yield a line for each name that is used but not defined."""

    def check(key: str, name: str, known: Any, section: str) -> Any:
        if name not in known:
            yield f"{key}: {name!r} is not in {section} ({', '.join(known) or 'empty'})"

    yield from check("data.primary", params.data.primary, params.data.sources, "data.sources")
    for position, name in enumerate(params.data.extra):
        yield from check(f"data.extra.{position}", name, params.data.sources, "data.sources")
    if len(set(params.used_sources)) != len(params.used_sources):
        yield "data.extra: a source may be used once, and the primary one not as an extra"
    weights = ["uniform", *params.reweightings]
    for name, variant in params.variants.items():
        at = f"variants.{name}"
        yield from check(f"{at}.image", variant.image, params.image_encoders, "image_encoders")
        yield from check(f"{at}.text", variant.text, params.text_encoders, "text_encoders")
        yield from check(f"{at}.loss", variant.loss, params.losses, "losses")
        yield from check(f"{at}.weights", variant.weights, weights, "uniform and reweight")
        if variant.data == "replenished" and not params.data.extra:
            yield f"{at}.data: 'replenished' needs a source in data.extra, which is empty"
    for position, row in enumerate(params.table1):
        yield from check(f"table1.{position}.variant", row.variant, params.variants, "variants")
    for table in ("table1", "table2"):
        names = [row.name for row in getattr(params, table)]
        yield from (f"{table}: row {name} stands twice" for name in set(names) if names.count(name) > 1)
    for name in ("uniform", "main", "contrast"):
        if name in params.reweight.more:
            yield f"reweight.more.{name}: the name is taken, expected another one"
    yield from check("reweight.base", params.reweight.base, params.variants, "variants")
    base = params.variants.get(params.reweight.base)
    if base and base.weights != "uniform":
        yield f"reweight.base: {params.reweight.base!r} must itself train with weights: uniform"
    if not any(v.data == "primary" for v in params.variants.values()):
        yield "variants: at least one must train on data: primary"
    yield from _members(params)


def _members(params: Params) -> Iterator[str]:
    """Yield a line for each problem with what ensembles are made of."""
    for position, name in enumerate(params.ensemble.members or []):
        if name not in params.variants:
            known = ", ".join(params.variants)
            yield f"ensemble.members.{position}: {name!r} is not in variants ({known})"
    members = {name: params.variants[name].data for name in params.members}
    if "primary" not in members.values():
        what = "no variant of a published row" if params.ensemble.members is None else "none of them"
        yield f"ensemble.members: {what} trains on data: primary; expected at least one such"
    for position, row in enumerate(params.table2):
        if row.replenished and "replenished" not in members.values():
            yield f"table2.{position}.replenished: no member of ensemble.members trains on data: replenished"


def _equal_rows(params: Params) -> Iterator[str]:
    """Yield a line for each row that is another one under another name: they would be a contrast of nothing.

    The weights main and contrast may become equal, because their ratios are what people try.
    """
    seen: dict[str, Table1Row] = {}
    for row in params.table1:
        own = params.variants[row.variant].weights == "contrast"
        other = seen.setdefault(repr((params.content_of(row.variant), row.tta, own)), row)
        if other.variant != row.variant:
            yield (
                f"table1: rows {other.name} and {row.name} are equal in every design; "
                f"expected variants that differ in more than their names"
            )
