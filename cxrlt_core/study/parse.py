"""The border: the content of params.yaml, validated once.

An unknown key, a wrong type or a value out of range raises :class:`StudyError` with one line per
problem, each naming the key.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from typing import Any

from pydantic import ValidationError

from cxrlt_core.designs import by_field, conflicts, find_design, of_variants, using
from cxrlt_core.designs.reweight import reweightings
from cxrlt_core.designs.tta import TITLE as TTA
from cxrlt_core.params.schema import Params, Table1Row, Variant
from cxrlt_core.study.explain import explain, explain_own
from cxrlt_core.study.gather import gather
from cxrlt_core.study.sources import source_entry
from cxrlt_core.study.variants import SCRATCH, contents, members, replenished, trains_after, used_sources
from cxrlt_core.system.errors import StudyError, cut, meant

#: Keys of its sections that a recipe cannot change, and why.
SHARED = {
    "train.seeds": "all variants are trained with the same seeds",
    "image.store": "all packed images lie in one place",
    "image.max_rejects": "images are rejected for the whole study",
}


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
    problems = [*_design_names(), *_misplaced(content)]
    content = _gathered(content, file)
    try:
        params = Params.model_validate(content)
    except ValidationError as error:
        raise StudyError("\n".join(f"{file}: {line}" for line in explain(error.errors(), content))) from None
    problems = problems or list(_dangling_names(params)) or list(_contradictions(params))
    problems = problems or list(_equal_rows(params))
    if problems:
        raise StudyError("\n".join(f"{file}: {cut(problem, 800)}" for problem in problems))
    return params


def _gathered(content: dict[str, Any], file: str) -> dict[str, Any]:
    """Gather the content; lines about a key name the file, those about another file name that one."""
    try:
        return gather(content)
    except StudyError as error:
        keys = tuple(f"{section}." for section in content)
        lines = [f"{file}: {line}" if line.startswith(keys) else line for line in str(error).splitlines()]
        raise StudyError("\n".join(lines)) from None


def _design_names() -> Iterator[str]:
    """Yield a line for each design whose name or title is another one's."""
    columns = ["image encoder", "loss", "start", TTA, *(module.TITLE for module in by_field().values())]
    titles = defaultdict(list, {title: ["a column of every table"] for title in columns})
    for name in of_variants():
        titles[find_design(name).TITLE].append(name)
        if name in Params.model_fields or name in Variant.model_fields:
            yield f"cxrlt_core/designs/{name}.py: the name is a key of params.yaml; expected another one"
    for title, names in titles.items():
        if len(names) > 1:
            yield f"designs: {' and '.join(names)} have the title {title!r}; expected one each"


def _misplaced(content: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each key that is said in another way, or elsewhere."""
    variants, recipes = content.get("variants"), content.get("recipes")
    named = [("", content)] + (
        [(f"variants.{name}.", entry) for name, entry in variants.items()]
        if isinstance(variants, dict)
        else []
    )
    for at, section in named:
        if isinstance(section, dict) and "designs" in section:
            yield f"{at}designs: unknown key; each design is a key of its own"
    data = content.get("data")
    for kind in ("sources", "external"):
        entries = data.get(kind) if isinstance(data, dict) else None
        for name, entry in entries.items() if isinstance(entries, dict) else ():
            if isinstance(entry, dict) and "own" in entry:
                yield f"data.{kind}.{name}.own: unknown key; each of them is a key of the source"
    if "label_space" in content:
        yield "label_space: unknown key; data.label_space names one, or the file of one"
    if "seen" in content:
        yield "seen: unknown key; image_encoders.<name>.seen names the list of an encoder"
    if isinstance(data, dict) and "boxes" in data:
        yield "data.boxes: unknown key; data.sources.<name>.boxes names the file of those of a source"
    for name, recipe in recipes.items() if isinstance(recipes, dict) else ():
        for key, reason in SHARED.items():
            section, _, field = key.partition(".")
            changed = recipe.get(section) if isinstance(recipe, dict) else None
            if isinstance(changed, dict) and field in changed:
                yield f"recipes.{name}.{key}: not of a recipe: {reason}"


def _dangling_names(params: Params) -> Iterator[str]:
    """Yield a line for each name that is used but not defined."""

    def check(key: str, name: str, known: Any, section: str) -> Iterator[str]:
        if name not in known:
            yield f"{key}: {name!r} is not in {section} ({', '.join(known) or 'empty'})"

    yield from check("data.primary", params.data.primary, params.data.sources, "data.sources")
    for position, name in enumerate(params.data.extra):
        yield from check(f"data.extra.{position}", name, params.data.sources, "data.sources")
    if len(set(used_sources(params))) != len(used_sources(params)):
        yield "data.extra: a source may be used once, and the primary one not as an extra"
    for name in (*params.data.sources, *params.data.external):
        key, source = source_entry(params, name)
        yield from explain_own(key, source)
        for label in source.uncertain.keys() - {"default", *params.label_space.classes}:
            hint = meant(label, params.label_space.classes)
            what = f"{label!r} is neither a class of the label space nor default{hint}"
            yield f"{key}.uncertain: {what}"
    for name, external in params.data.external.items():
        if name in params.data.sources:
            yield f"data.external.{name}: the name of a source, expected another one such as {name}_test"
        if external.hospital is not None:
            key = f"data.external.{name}.hospital"
            yield from check(key, external.hospital, params.data.sources, "data.sources")
    for name in params.data.boxes.keys() - {params.data.primary, *params.data.external}:
        looked = "images of the development set, of data.primary, and of external sets alone are looked at"
        yield f"data.sources.{name}.boxes: {looked}; expected none of another source"
    weights = ["uniform", *reweightings(params.reweight)]
    starts = [SCRATCH, *params.variants]
    for name, variant in params.variants.items():
        at = f"variants.{name}"
        yield from check(f"{at}.image", variant.image, params.image_encoders, "image_encoders")
        yield from check(f"{at}.text", variant.text, params.text_encoders, "text_encoders")
        yield from check(f"{at}.loss", variant.loss, params.losses, "losses")
        yield from check(f"{at}.weights", variant.weights, weights, "uniform and reweight")
        yield from check(f"{at}.init", variant.init, starts, "none and variants")
        if variant.recipe is not None:
            yield from check(f"{at}.recipe", variant.recipe, params.recipes, "recipes")
        for key, label in _named_classes(variant):
            yield from check(f"{at}.{key}", label, params.label_space.classes, "the label space")
    for position, row in enumerate(params.table1):
        yield from check(f"table1.{position}.variant", row.variant, params.variants, "variants")
    yield from check("reweight.base", params.reweight.base, params.variants, "variants")
    for name in params.zero_shot:
        yield from check(f"zero_shot.{name}", name, params.variants, "variants")
    lists = {"ensemble.members": params.ensemble.members}
    lists |= {f"table2.{position}.members": row.members for position, row in enumerate(params.table2)}
    for at, names in lists.items():
        for position, name in enumerate(names or []):
            yield from check(f"{at}.{position}", name, params.variants, "variants")
    yield from _pairs(params)


def _pairs(params: Params) -> Iterator[str]:
    """Yield a line for each primary pair that is not two rows of one table, or is there twice."""
    tables = [{row.name for row in table} for table in (params.table1, params.table2)]
    seen = []
    for position, pair in enumerate(params.evidence.primary or []):
        at, rows = f"evidence.primary.{position}", set(pair)
        if unknown := [name for name in pair if not any(name in table for table in tables)]:
            hint = meant(unknown[0], set.union(*tables)) or ", as table1.json and table2.json name them"
            yield f"{at}: {unknown[0]!r} is no row of table1 or table2{hint}"
        elif len(rows) == 1 or not any(rows <= table for table in tables):
            yield f"{at}: {' and '.join(pair)}: expected two different rows of one table"
        elif rows in seen:
            yield f"{at}: {' and '.join(pair)} stand twice; expected each pair once"
        seen.append(rows)


def _named_classes(variant: Variant) -> Iterator[tuple[str, str]]:
    """Yield each class that the designs of a variant name, after the key that names it."""
    for name, settings in variant.designs.items():
        if named := getattr(find_design(name), "classes", None):
            for key, labels in named(settings).items():
                yield from ((f"{name}.{key}", label) for label in labels)


def _contradictions(params: Params) -> Iterator[str]:
    """Yield a line for each thing that cannot be so together with another."""
    for name, variant in params.variants.items():
        if variant.data == "replenished" and not params.data.extra:
            yield f"variants.{name}.data: 'replenished' needs a source in data.extra, which is empty"
        yield from (f"variants.{name}: {conflict}" for conflict in conflicts(variant.designs))
    if SCRATCH in params.variants:
        yield f"variants.{SCRATCH}: the name is taken, it stands for no start; expected another one"
    for table in ("table1", "table2"):
        names = [row.name for row in getattr(params, table)]
        yield from (f"{table}: row {name} stands twice" for name in set(names) if names.count(name) > 1)
    for name in ("uniform", "main", "contrast"):
        if name in params.reweight.more:
            yield f"reweight.more.{name}: the name is taken, expected another one"
    base = params.reweight.base
    if (weights := params.variants[base].weights) != "uniform":
        yield (
            f"reweight.base: {base!r} trains with weights: {weights}, which its own scores would decide; "
            "expected a variant with weights: uniform"
        )
        return
    try:
        TopologicalSorter({name: trains_after(params, name) for name in params.variants}).prepare()
    except CycleError as error:
        circle = " → ".join(reversed(error.args[1]))
        yield f"variants: {circle} is a circle: each would have to be trained before the other"
        return
    if not any(v.data == "primary" for v in params.variants.values()):
        yield "variants: at least one must train on data: primary"
    yield from _members(params)
    yield from _zero_shot(params)


def _zero_shot(params: Params) -> Iterator[str]:
    """Yield a line for each variant that cannot be asked about classes that are hidden from it."""
    space = params.label_space
    findings = [name for name in space.classes if name not in space.normal]
    for name, entry in params.zero_shot.items():
        at, variant = f"zero_shot.{name}", params.variants[name]
        if own := using(variant.designs, ["head", "classifier"]):
            yield f"{at}: has {own[0]}, expected a variant with a shared classifier"
        if variant.weights != "uniform":
            yield f"{at}: weights: {variant.weights} have seen the hidden labels, expected weights: uniform"
        if variant.init != SCRATCH:
            yield f"{at}: starts from {variant.init}, which has seen the hidden labels, expected init: none"
        if named := next(_named_classes(variant), None):
            yield f"{at}: {named[0]} names {named[1]!r}, which may be hidden, expected no such design"
        if entry.folds > len(findings):
            yield f"{at}.folds: expected at most {len(findings)}, one for each class, found {entry.folds}"


def _members(params: Params) -> Iterator[str]:
    """Yield a line for each problem with what ensembles are made of."""
    seen = {replenished(params, name) for name in members(params)}
    if False not in seen:
        what = "no variant of a published row" if params.ensemble.members is None else "none of them"
        yield f"ensemble.members: {what} trains on data: primary; expected at least one such"
    for position, row in enumerate(params.table2):
        at = f"table2.{position}"
        if (row.replenished is None) == (row.members is None):
            found = "neither" if row.members is None else "both"
            yield f"{at}: expected one of replenished and members, found {found}"
        if row.replenished and True not in seen:
            yield f"{at}.replenished: no member of ensemble.members trains on data: replenished"
        named = row.members or []
        for name in dict.fromkeys(name for name in named if named.count(name) > 1):
            yield f"{at}.members: {name} stands twice; expected each variant once"
        if named and all(replenished(params, name) for name in named):
            yield f"{at}.members: none of them trains on data: primary; expected at least one such"


def _equal_rows(params: Params) -> Iterator[str]:
    """Yield a line for each row that is another one under another name: they would be a contrast of nothing.

    The weights main and contrast may become equal, because their ratios are what people try.
    """
    seen: dict[str, Table1Row] = {}
    for row in params.table1:
        own = params.variants[row.variant].weights == "contrast"
        what = contents(params, row.variant)
        if using(params.variants[row.variant].designs, ["head"]):  # which asks no label queries
            what = {key: value for key, value in what.items() if key != "text" and key[:6] != "query."}
        other = seen.setdefault(json.dumps([what, row.tta, own], sort_keys=True, default=str), row)
        if other.variant != row.variant:
            yield (
                f"table1: rows {other.name} and {row.name} are equal in every design; "
                f"expected variants that differ in more than their names"
            )
