"""No key has a default, and every committed study states every key."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from cxrlt_core.designs import of_variants
from cxrlt_core.losses import find_kind, kinds
from cxrlt_core.params.schema import Params
from cxrlt_core.study.explain import usual_value
from cxrlt_core.study.parse import parse_params
from cxrlt_core.system.settings import Section

ROOT = Path(__file__).parents[3]
FILES = [ROOT / "params.yaml", *sorted((ROOT / "profiles").glob("*.yaml"))]
#: May be left out: shown beside our figures, or what a study declares before it looks; they reach no number.
#: An external set is whole, of no hospital of the study and labelled by machines unless it says otherwise.
MAY_BE_LEFT_OUT = {f"External.{key}" for key in ("hospital", "human", "published", "split")}
MAY_BE_LEFT_OUT |= {"Table1Row.published", "Table2Row.published"}
MAY_BE_LEFT_OUT |= {"Evidence.looks", "Evidence.primary"}
#: Of no variant unless a study asks for it.
MAY_BE_LEFT_OUT |= {"Params.zero_shot"}
#: One of the two is stated, which is checked; and the name of a row is said in full where it is not stated.
EITHER = {"Table2Row.replenished", "Table2Row.members"}
SAID_IN_FULL = {"Table2Row.name"}
#: Gathered from keys of their own; what a variant has not is absent.
GATHERED = {
    "Data.boxes",
    "Params.designs",
    "Params.label_space",
    "Params.seen",
    "Variant.designs",
    "Variant.recipe",
}
GATHERED |= {"External.own", "External.reader", "Source.own", "Source.reader"}
#: Mappings that each study fills as it likes: arguments of timm, classes, losses of any kind, reweightings.
FREE = {"options", "uncertain", "losses", "more"}


def sections(annotation: Any) -> Iterator[type[Section]]:
    """Walk all sections that an annotation holds."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
        for field in annotation.model_fields.values():
            yield from sections(field.annotation)
    for part in get_args(annotation):
        yield from sections(part)


SECTIONS = sorted(
    {*sections(Params), *(find_kind(kind).Settings for kind in kinds())},
    key=lambda section: (section.__module__, section.__name__),
)


def test_no_key_has_a_default():
    names = {section.__name__ for section in SECTIONS}
    nested = {"Augment", "Source", "Reweighting", "Recipe", "Table2Row", "LossSettings", "Settings"}
    assert {"Params", *nested} <= names  # the walk finds them
    optional = {
        f"{section.__name__}.{name}"
        for section in SECTIONS
        for name, field in section.model_fields.items()
        if not field.is_required()
    }
    assert optional == MAY_BE_LEFT_OUT | EITHER | GATHERED


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: f"{section.__module__}.{section.__name__}")
def test_what_a_key_usually_holds_is_valid(section):
    required = {name: field for name, field in section.model_fields.items() if field.is_required()}
    content = {name: usual_value(field) for name, field in required.items()}
    assert section.model_validate(content).model_dump(exclude_unset=True).keys() == required.keys()


def keys(content: Any, place: str = "") -> Iterator[str]:
    """Walk all keys; what stands for a name, and the place in a list, is a star."""
    if isinstance(content, list):
        for item in content:
            yield from keys(item, f"{place}.*")
    if not isinstance(content, dict):
        return
    named = place in {".variants", ".text_encoders", ".image_encoders", ".data.sources"}
    for key, value in content.items():
        inner = f"{place}.*" if named else f"{place}.{key}"
        if f"Table{place[6:7]}Row.{key}" not in MAY_BE_LEFT_OUT | EITHER | SAID_IN_FULL:
            yield inner
        if key not in FREE:
            yield from keys(value, inner)


def stated(content: dict) -> set[str]:
    """The keys of a study, those of designs aside: a study has the designs that it has."""
    own = {f".variants.*.{name}" for name in of_variants()} | {f".{name}" for name in of_variants()}
    own |= {".designs", ".variants.*.designs", ".variants.*.recipe", ".recipes.", ".label_space"}
    own |= {".data.boxes", ".data.sources.*.reader", ".data.sources.*.own", ".seen", ".zero_shot"}
    return {key for key in keys(content) if not key.startswith(tuple(own))}


def test_every_committed_study_states_all_that_the_schema_knows(smoke_content):
    """Nothing is added by parsing, so the values that DVC compares are the values that run."""
    known = stated(parse_params(smoke_content).model_dump())
    assert {".train.augment.gamma", ".variants.*.loss"} <= known
    for file in FILES:
        assert stated(yaml.safe_load(file.read_text(encoding="utf-8"))) == known, file.name
