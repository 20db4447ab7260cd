"""Write the table of docs/bag.md anew: the catalogue of tricks, from what their files say of themselves.

Usage: python -m tools.bag
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import yaml

from cxrlt_core.designs import find_design, hooks_of, names
from cxrlt_core.losses import find_kind, kinds
from cxrlt_core.study.catalogue import claimed, said
from cxrlt_core.study.explain import usual_value
from cxrlt_core.system.files import write_text

PAGE = Path("docs/bag.md")
BEGIN, END = "<!-- tricks -->\n", "<!-- /tricks -->"

#: Where a design acts, by the first of its hooks; one without hooks says what a variant is made of.
PLACES = {
    "Data and text": (None, "training_set"),
    "Order of images": ("order",),
    "Images": ("draw", "inputs"),
    "Image encoder": ("encoder",),
    "Head": ("head", "classifier"),
    "Loss": ("forward", "class_weights", "loss"),
    "Training": ("learning_rate", "step", "average"),
    "Prediction": ("probabilities", "views"),
    "Ensembles": ("combine",),
}
PAPER = re.compile(r"[A-Z]\S+(?: et al\.| and [A-Z]\S+)? \d{4}(?: \([^)]*\))?, arXiv:\d+\.\d+")


@dataclass(frozen=True)
class Trick:
    """A line of the catalogue."""

    place: str
    name: str
    file: str  # in cxrlt_core
    what: str
    source: str
    cost: str
    helps: str
    claimed: str
    key: str

    def row(self) -> str:
        """Return the line."""
        link = f"[{self.name}](../cxrlt_core/{self.file})"
        cells = (link, self.what, self.source, self.cost, self.helps, self.claimed, self.key)
        return f"| {' | '.join(cells)} |\n"


def tricks() -> list[Trick]:
    """Return all tricks, in the order of the places where they act and by name."""
    found = [*_designs(), *_losses()]
    return sorted(found, key=lambda trick: (list(PLACES).index(trick.place), trick.name.lower()))


def table() -> str:
    """Return the catalogue as markdown, a table a place."""
    head = f"| trick | what it does | source | cost | said to help | claimed | key |\n|{' --- |' * 7}\n"
    parts, found = [], tricks()
    for place in PLACES:
        rows = "".join(trick.row() for trick in found if trick.place == place)
        parts.append(f"### {place}\n\n{head}{rows}\n")
    return "".join(parts)


def page(text: str) -> str:
    """Return the page with the catalogue made anew."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}{table()}{END}{rest.split(END)[1]}"


def _designs() -> Iterator[Trick]:
    places = {hook: place for place, hooks in PLACES.items() for hook in hooks}
    for name in names():
        module, hooks = find_design(name), hooks_of(name)
        if key := _key(name, module):
            place = places[hooks[0] if hooks else None]
            yield Trick(place, module.TITLE, f"designs/{name}.py", *_words(module, module.SOURCE), key)


def _losses() -> Iterator[Trick]:
    for kind in kinds():
        module = find_kind(kind)
        name = getattr(module, "TITLE", (module.__doc__ or "").partition(":")[0])
        keys = {"kind": kind, **_usual(module.Settings, without="kind")}
        key = f"`losses: {{{kind}: {_short(keys)}}}`"
        yield Trick("Loss", name, f"losses/{kind}.py", *_words(module, getattr(module, "SOURCE", "")), key)


def _key(name: str, module: ModuleType) -> str:
    """Return how a variant, or a row, says that it has a design; nothing of what no row can have."""
    if hasattr(module, "FIELD"):
        return f"`{module.FIELD}`"
    if hasattr(module, "Settings"):
        settings = _usual(module.Settings)
        return f"`{name}: {_short(settings) if settings else 'true'}`"
    if hasattr(module, "combine"):
        return f"`method: {name}`"
    return f"`{name}: true` of a row" if hasattr(module, "views") else ""


def _words(module: ModuleType, source: str) -> tuple[str, str, str, str, str]:
    """Return what the docstring says: what a trick does, source, cost, when it helps, what was claimed."""
    text = " ".join((module.__doc__ or "").split("\n\n")[0].replace("``", "`").split())
    source = source or next(iter(PAPER.findall(text)), "the published study")
    what = PAPER.sub("", text).rstrip(". ").partition(": ")[2]
    told = said(module, "Cost"), said(module, "Said to help"), claimed(module)
    return what[:1].upper() + what[1:], source, *told


def _usual(settings: type, without: str = "") -> dict[str, object]:
    return {name: usual_value(field) for name, field in settings.model_fields.items() if name != without}


def _short(values: dict[str, object]) -> str:
    return yaml.safe_dump(values, default_flow_style=True, sort_keys=False, width=1000).strip()


if __name__ == "__main__":
    write_text(PAGE, page(PAGE.read_text(encoding="utf-8")))
    print(PAGE)
