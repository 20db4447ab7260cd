"""Write docs/generated/licences.md: the installed packages, and the licences that they state of themselves.

Usage: python -m tools.licences   (`make licences`)
"""

import re
from email.message import Message
from importlib.metadata import distributions
from pathlib import Path

from cxrlt_core.system.files import write_text

PAGE = Path("docs/generated/licences.md")

#: What asks more of those who pass a package on than to keep its notice.
DEMANDING = re.compile("GPL|EPL|MPL|Mozilla|Proprietary", re.IGNORECASE)


def licence(stated: Message) -> str:
    """Return the licence in a package's metadata: an SPDX expression, a line, or its classifiers."""
    if "License-Expression" in stated:
        return stated["License-Expression"]
    classifiers = stated.get_all("Classifier", [])
    classified = [name.rpartition(" :: ")[2] for name in classifiers if name.startswith("License")]
    line = stated.get("License") or ""
    if len(classified) > 1 or not 0 < len(line) < 60:  # a choice; or the whole text in place of a name
        return " OR ".join(classified) or "not stated"
    return line


def page() -> str:
    """Return the page."""
    packages = sorted(
        (package.metadata for package in distributions()), key=lambda stated: stated["Name"].lower()
    )
    demanding = ", ".join(stated["Name"] for stated in packages if DEMANDING.search(licence(stated)))
    rows = [f"| {s['Name']} | {s['Version']} | {licence(s).replace('|', 'or')} |\n" for s in packages]
    return f"""# Licences of the installed packages

As the {len(packages)} packages of this environment state them; nobody has read their files. None is part of \
this repository. Copyleft or proprietary, so to be read before an environment is passed on: {demanding}.

| package | version | licence |
| --- | --- | --- |
{"".join(rows)}"""


if __name__ == "__main__":
    write_text(PAGE, page())
    print(PAGE)
