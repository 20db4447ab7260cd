"""What the rows of the tables have of each design, as text and content, and what compares rows by it.

A column is whatever two rows may differ in: what every variant states, its designs, and the keys of recipes.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cxrlt_core.designs import NETWORK, by_field, find_design, ordered, using
from cxrlt_core.designs.tta import TITLE as TTA
from cxrlt_core.evidence.contrasts import Contrast, Design, Measured, find_interactions, find_pairs, measure
from cxrlt_core.evidence.effects import MainEffects, test_effects
from cxrlt_core.evidence.scored_table import ScoredTable
from cxrlt_core.params.schema import Params, Table1Row
from cxrlt_core.study.variants import BY_RECIPE, SCRATCH, contents, loss_of

TICK = "✓"
KEYS = ("image", "text", "loss", "weights", "data", "init", "recipe", "designs")  # that have a place
Contents = Mapping[str, Mapping[str, Any]]  # variant to what it is, key by key


def row_designs(params: Params, row: Table1Row) -> dict[str, Design]:
    """Return the designs of a row of Table 1, by the titles of their columns."""
    whole = {name: contents(params, name) for name in dict.fromkeys(row.variant for row in params.table1)}
    return {**dict(_columns(params, row.variant, whole)), TTA: Design(_tick(row.tta), row.tta)}


def _columns(params: Params, name: str, whole: Contents) -> Iterator[tuple[str, Design]]:
    """Yield the columns of a variant, in the order in which data meet what they are about."""
    variant, content = params.variants[name], whole[name]
    used = ordered({design for other in whole for design in params.variants[other].designs})
    network, fields = using(used, NETWORK), by_field()

    def stated(key: str) -> tuple[str, Design]:
        value = getattr(variant, key)
        title = fields[key].TITLE if key in fields else {"image": "image encoder"}.get(key, key)
        asked = key != "text" or not using(variant.designs, ["head"])  # a head asks no label queries
        return title, Design(_stated_text(params, name, key) if asked else "", content[key], value)

    def own(design: str) -> tuple[str, Design]:
        settings = variant.designs.get(design)
        text = "" if settings is None else _settings_text(params, design, settings, whole)
        return find_design(design).TITLE, Design(text, content.get(design), str(settings))

    yield from map(stated, ("image", "text"))
    yield from map(own, network)
    yield from map(stated, ("loss", "weights"))
    yield from map(own, (design for design in used if design not in network))
    yield from map(stated, (key for key in type(variant).model_fields if key not in KEYS))
    yield stated("data")
    if any(other["init"] for other in whole.values()):
        yield "start", Design("" if content["init"] is None else variant.init, content["init"], variant.init)
    groups = recipe_columns(whole)
    names = [" + ".join(key.rpartition(".")[2] for key in keys) for keys in groups]
    taken = [*names, *(find_design(design).TITLE for design in used)]
    for keys, title in zip(groups, names, strict=True):
        values = [content[key] for key in keys]
        text = ", ".join("–" if value is None else str(value) for value in values)
        yield title if taken.count(title) == 1 else " + ".join(keys), Design(text, values)


def recipe_columns(whole: Contents) -> list[list[str]]:
    """Return the keys in which the recipes of variants differ; those that change together share a column."""
    columns: dict[tuple[int, ...], list[str]] = {}
    for key in next(iter(whole.values())):
        if key.partition(".")[0] in BY_RECIPE and "." in key:
            values = [repr(content[key]) for content in whole.values()]
            if len(set(values)) > 1:
                columns.setdefault(tuple(map(values.index, values)), []).append(key)
    return list(columns.values())


def _stated_text(params: Params, name: str, key: str) -> str:
    value, design = getattr(params.variants[name], key), by_field().get(key)
    if key == "loss":
        return "" if loss_of(params, name).kind == "bce" else str(value)
    if hasattr(design, "cell"):
        return design.cell(value, params.reweight)
    return _tick(value != design.OFF) if hasattr(design, "OFF") else str(value)


def _settings_text(params: Params, design: str, settings: Any, whole: Contents) -> str:
    """Return the text of a design's cell: its own; or a tick, and the settings in which rows differ."""
    if hasattr(find_design(design), "cell"):
        return find_design(design).cell(settings)
    others = [params.variants[name].designs.get(design, settings) for name in whole]
    differ = [key for key, value in settings if any(getattr(other, key) != value for other in others)]
    return ", ".join(f"{key} {getattr(settings, key)}" for key in differ) or TICK


def selects(params: Params, variant: str) -> bool:
    """Whether development data chose something of a variant, or of one that it starts from."""
    chosen = params.variants[variant]
    if chosen.init != SCRATCH and selects(params, chosen.init):
        return True
    stated = [m for key, m in by_field().items() if getattr(chosen, key) != getattr(m, "OFF", ...)]
    return any(getattr(module, "SELECTS", False) for module in [*stated, *map(find_design, chosen.designs)])


def texts(designs: Mapping[str, Design]) -> dict[str, str]:
    """Return what a table shows of designs."""
    return {name: design.text for name, design in designs.items()}


def _tick(on: bool) -> str:
    return TICK if on else ""


def contrasts1(params: Params, table: ScoredTable) -> list[Measured]:
    """Compare the rows of Table 1 that differ in one design, and the differences with each other."""
    primary = params.evidence.primary
    pairs = find_pairs({row.name: row_designs(params, row) for row in params.table1}, primary)
    return measure([*pairs, *find_interactions(pairs)], table, primary)


def effects1(params: Params, table: ScoredTable, contrasts: Sequence[Contrast]) -> MainEffects:
    """Return the main effects of the designs of Table 1, of which some are contrasts."""
    designs = {row.name: row_designs(params, row) for row in params.table1}
    return test_effects(designs, table, contrasts)
