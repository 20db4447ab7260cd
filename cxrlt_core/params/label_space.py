"""A label space: classes of a challenge, a data set or of one's own, and what those of others are to them."""

from collections.abc import Iterable
from typing import Literal

from pydantic import Field, field_validator, model_validator

from cxrlt_core.labels import RECORD, spelling
from cxrlt_core.people import PERSON
from cxrlt_core.system.errors import meant, shown
from cxrlt_core.system.settings import Count, Section, usual

#: Names that no class may have: columns of label tables and of one's own table, a word of ``uncertain``.
TAKEN = {*RECORD, *PERSON, "image", "patient", "study", "default"}

#: What findings of another label space are to a class: several ``exact`` ones are it together, ``near`` ones
#: are alike, ``broader`` ones hold it, it holds ``narrower`` ones, ``partial`` ones overlap with it. ``use``
#: names relations that labels are taken from, as far as something follows from them; without it a class that
#: rests on them is unknown.
Related = dict[Literal["exact", "near", "broader", "narrower", "partial", "use"], list[str]]
USABLE = {"near", "broader", "narrower"}


class PublishedCounts(Section):
    """Published counts of a training set."""

    images: Count = usual(264_849)
    positives: dict[str, Count] = usual({"Cardiomegaly": 76_900})  # class to images


class LabelSpace(Section):
    """Classes in the order of every table, and how they are called elsewhere."""

    name: str = usual("cxrlt2023")  # or the path of its file
    title: str = usual("CXR-LT 2023")
    classes: list[str] = Field(min_length=1, examples=[["Cardiomegaly", "Pleural Effusion"]])
    aliases: dict[str, list[str]] = usual({})  # other names of the same class
    normal: dict[str, list[str]] = usual(
        {}
    )  # classes that exclude all others, to those that may be beside them
    groups: dict[str, list[str]] = usual({})  # classes that are scored together, in an order of their own
    unseen: list[str] = usual([])  # classes that are asked for and have no training label
    counts: PublishedCounts | None = usual(None)
    relations: dict[str, dict[str, Related]] = usual({})  # label space to class to names there

    @field_validator("classes", "unseen")
    @classmethod
    def name_columns(cls, value: list[str]) -> list[str]:
        """Reject what cannot be the name of a column, or is one already."""
        for name in value:
            if name != " ".join(name.split()) or not name.isprintable() or set(name) & set(',|"') or not name:
                raise ValueError(f"expected names without comma, | or quote, found {shown(name)}")
            if spelling(name) in TAKEN:
                raise ValueError(f"{name!r} is a column of every table, expected another name")
        return value

    @model_validator(mode="after")
    def know_the_classes(self) -> "LabelSpace":
        """Reject a name of two classes, and what is said of a class that is none."""
        _check_once([*self.classes, *self.unseen, *(n for names in self.aliases.values() for n in names)])
        said: dict[str, Iterable[str]] = {"aliases": self.aliases, "normal": self.normal}
        said |= {f"normal.{name}": names for name, names in self.normal.items()}
        said |= {f"groups.{name}": names for name, names in self.groups.items()}
        said |= {f"relations.{name}": classes for name, classes in self.relations.items()}
        said |= {"counts.positives": self.counts.positives} if self.counts else {}
        for place, names in said.items():
            for name in names:
                if name not in self.classes:
                    raise ValueError(f"{place}: {shown(name)} is no class{meant(name, self.classes)}")
        return self

    @field_validator("relations")
    @classmethod
    def use_what_says_something(cls, value: dict[str, dict[str, Related]]) -> dict[str, dict[str, Related]]:
        """Reject the use of a relation that is not there, or from which nothing follows."""
        for space, classes in value.items():
            for label, related in classes.items():
                for relation in related.get("use", []):
                    if relation not in USABLE & related.keys():
                        found = f"{space}.{label}: use: {shown(relation)}"
                        raise ValueError(f"{found} is none of its relations near, broader and narrower")
        return value


def _check_once(names: Iterable[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        if (other := seen.get(spelling(name))) is not None:
            raise ValueError(
                f"{shown(name)} is there twice{'' if other == name else f', also as {shown(other)}'}"
            )
        seen[spelling(name)] = name
