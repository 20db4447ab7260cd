"""The licence of every package of requirements.lock, as the installed package states it: docs/licences.md.

Usage: python -m tests.licences   (writes the page anew)
"""

import re
from contextlib import suppress
from email.message import Message
from importlib.metadata import PackageNotFoundError, metadata

from packaging.requirements import Requirement

from tests.architecture import ROOT

PAGE = ROOT / "docs/licences.md"

ABSENT = "not looked at: of another platform"

#: What asks more of those who pass a package on than to keep its notice.
DEMANDING = re.compile("GPL|EPL|MPL|Mozilla|Proprietary", re.IGNORECASE)


def locked() -> dict[str, list[str]]:
    """The packages of the lock and their versions: several where it depends on the Python."""
    found: dict[str, list[str]] = {}
    for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines():
        if re.match("[a-z]", line):
            package = Requirement(line.removesuffix("\\"))
            found.setdefault(package.name, []).append(str(package.specifier).removeprefix("=="))
    return found


def licence(stated: Message) -> str:
    """The licence in a package's metadata: an SPDX expression, or a line, or what it is classified as."""
    classified = [
        c.rpartition(" :: ")[2] for c in stated.get_all("Classifier", []) if c.startswith("License")
    ]
    line = stated.get("License") or ""
    if "License-Expression" in stated:
        return stated["License-Expression"]
    if len(classified) > 1 or not 0 < len(line) < 60:  # a choice; or the whole text in place of a name
        return " OR ".join(classified) or "not stated"
    return line


def licences() -> dict[str, str]:
    """The licence of every package of the lock; those of other platforms are not installed, and left out."""
    found = {}
    for name in locked():
        with suppress(PackageNotFoundError):
            found[name] = licence(metadata(name)).replace("|", "or")
    return found


def page() -> str:
    """The page."""
    packages, stated = locked(), licences()
    rows = "".join(
        f"| {name} | {', '.join(its)} | {stated.get(name, ABSENT)} |\n" for name, its in packages.items()
    )
    demanding = ", ".join(name for name, text in stated.items() if DEMANDING.search(text))
    return f"""# Licences of the dependencies

Written by `python -m tests.licences` from `requirements.lock` and from what the installed packages state of \
themselves; nobody has read their files. None of the {len(packages)} is part of this repository: `make` \
fetches them, each held against its hashes in the lock. Copyleft or proprietary, so to be read before an \
environment is passed on: {demanding}.

| package | version | licence |
| --- | --- | --- |
{rows}"""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
