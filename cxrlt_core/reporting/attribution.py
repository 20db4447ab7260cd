"""What a step of Table 2 changes: the method; and of the members who they are, their data, steps and seeds.

Only a step that changes one thing carries its name. Members that are alike in all but data and steps are
twins: where one takes the place of the other, these have changed, and the members have not.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations, product

from cxrlt_core.designs import by_field, find_design
from cxrlt_core.evidence.contrasts import Measured, Pair, measure, pair_of
from cxrlt_core.evidence.scored_table import ScoredTable
from cxrlt_core.params.schema import Params, Table2Row
from cxrlt_core.study.variants import contents, replenished, row_members

ENSEMBLE, MEMBERS, STEPS, SEEDS = find_design("ensemble").TITLE, "members", "steps", "seeds"
DATA = by_field()["data"].TITLE


@dataclass(frozen=True)
class Member:
    """What a member of an ensemble is."""

    replenished: bool  # has seen data of extra sources
    steps: str  # how long it trained, as params.yaml states it
    rest: str  # all else

    def differs(self, other: "Member") -> set[str]:
        """Return in which of data and steps it differs from another."""
        pairs = {DATA: (self.replenished, other.replenished), STEPS: (self.steps, other.steps)}
        return {what for what, (one, another) in pairs.items() if one != another}


Members = Mapping[str, Member]  # variant to what it is


def describe(params: Params, row: Table2Row) -> dict[str, Member]:
    """Return the members of a row."""
    described = {}
    for name in row_members(params, row):
        content = contents(params, name)
        del content["data"]
        steps = content.pop("train.steps")
        rest = json.dumps(content, sort_keys=True, default=str)
        described[name] = Member(replenished(params, name), steps, rest)
    return described


def changes(params: Params, before: Table2Row, after: Table2Row) -> dict[str, tuple[str, str]]:
    """Return all that a step from one row to another changes: what, and its values in both."""
    old, new = describe(params, before), describe(params, after)
    gone = {name: member for name, member in old.items() if name not in new}
    come = {name: member for name, member in new.items() if name not in old}
    things = members_changes(old, new, gone, come)
    if before.method != after.method:
        things.add(ENSEMBLE)
    names = " and ".join(gone), " and ".join(come)
    values = {
        ENSEMBLE: (find_design(before.method).TITLE, find_design(after.method).TITLE),
        MEMBERS: names if len(old) == len(new) else (str(len(old)), str(len(new))),
        DATA: (_share(old), _share(new)),
        STEPS: (_counted(old), _counted(new)),
        SEEDS: names,
    }
    return {what: value for what, value in values.items() if what in things}


def members_changes(old: Members, new: Members, gone: Members, come: Members) -> set[str]:
    """Return what has changed where some members are ``gone`` and others have ``come``.

    A member without a twin is a change of the members; of data or steps as well, if nobody on the other side
    has its own.
    """
    twins = find_twins(gone, come)
    things = set[str]()
    for one, other in twins.items():
        things |= gone[one].differs(come[other]) or {SEEDS}
    lone = [(gone[name], new) for name in gone if name not in twins]
    lone += [(come[name], old) for name in come if name not in twins.values()]
    for member, others in lone:
        things.add(MEMBERS)
        things |= set.intersection(*(member.differs(other) for other in others.values()))
    return things


def find_twins(gone: Members, come: Members) -> dict[str, str]:
    """Pair members that are alike in all but data and steps, those first that differ in the least of them."""
    alike = [(one, other) for one, other in product(gone, come) if gone[one].rest == come[other].rest]
    found: dict[str, str] = {}
    for one, other in sorted(alike, key=lambda pair: len(gone[pair[0]].differs(come[pair[1]]))):
        if one not in found and other not in found.values():
            found[one] = other
    return found


def _share(members: Members) -> str:
    return f"{sum(member.replenished for member in members.values())} of {len(members)}"


def _counted(members: Members) -> str:
    return counts(member.steps for member in members.values())


def counts(values: Iterable[str]) -> str:
    """Count values: ``8 × 376, 2 × 500``."""
    return ", ".join(f"{count} × {value}" for value, count in Counter(values).items())


def find_steps(params: Params) -> list[Pair]:
    """Find pairs of rows that differ in one thing, the published and the primary ones.

    The earlier row is the reference.
    """
    pairs, primary = [], [set(pair) for pair in params.evidence.primary or []]
    for reference, row in combinations(params.table2, 2):
        found = changes(params, reference, row)
        published = found and None not in (reference.published, row.published)  # with all that it mixes
        if len(found) == 1 or published or {reference.name, row.name} in primary:
            pairs.append(pair_of(found, row.name, reference.name))
    return pairs


def contrasts2(params: Params, table: ScoredTable) -> list[Measured]:
    """Compare the rows of Table 2 that differ in one thing, the published and the primary ones."""
    return measure(find_steps(params), table, params.evidence.primary)
