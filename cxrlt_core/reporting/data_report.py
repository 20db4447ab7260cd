"""reports/data.md: what every source brings, what the sets hold, and what was checked. Counts only."""

from collections.abc import Mapping, Sequence

from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.markdown import counts_text, markdown_table, percent
from cxrlt_core.reporting.tables import caveat

NOBODY = "none"


def render_data(params: Params, summary: Mapping, classes: Mapping[str, Mapping]) -> str:
    """Write the page as markdown.

    Args:
        params: of the study.
        summary: content of data/summary.json.
        classes: class to group and training prevalence.
    """
    note = caveat(params)
    title = [f"> **{note}**\n"] if note else []
    title.append(f"# The data of: {params.report.title}\n")
    sections = [_sources(params, summary), _sets(params, summary, classes), _leaks(params, summary)]
    labels = [_labels(name, entry, params) for name, entry in summary["sources"].items()]
    return "\n".join([*title, *sections, *labels])


def _sources(params: Params, summary: Mapping) -> str:
    rows = [
        [
            f"`{name}`",
            "primary" if name == params.data.primary else "replenishment",
            *(f"{entry[count]:,}" for count in ("rows", "images", "patients", "studies")),
            counts_text(entry["views"]),
            str(len(entry["known"])),
            counts_text(entry["dropped"]),
            counts_text(entry["rejected_images"]),
            f"{entry['held_out']:,}",
        ]
        for name, entry in summary["sources"].items()
    ]
    header = ["source", "role", "label rows", "images", "patients", "studies", "views", "known classes"]
    header += ["rows dropped", "images rejected", "held out"]
    return f"""## Sources

{markdown_table(header, rows)}
*Rejected*: images that could not be read, or are absent. *Held out*: images of an extra source that are its official \
development or test set, or carry no label of the label space.
"""


def _sets(params: Params, summary: Mapping, classes: Mapping[str, Mapping]) -> str:
    names = set_names(params)
    sets = {name: summary["sets"][name] for name in names}
    sizes = [
        [name, *(f"{entry[n]:,}" for n in ("images", "patients", "studies"))] for name, entry in sets.items()
    ]
    rows = [
        [
            name,
            described["group"],
            percent(described["prevalence"]),
            *(_known_text(entry["classes"][name]) for entry in sets.values()),
        ]
        for name, described in classes.items()
    ]
    return f"""## Sets

{markdown_table(["set", "images", "patients", "studies"], sizes)}
{origins_text(summary)}
Positives of each class, of how many known labels. The groups follow the prevalence in `train_primary`.

{markdown_table(["class", "group", "prevalence", *names], rows)}{_gaps(params, summary)}"""


def origins_text(summary: Mapping) -> str:
    """Say where the development and the test set come from, a line each."""
    return "\n".join(f"- `{name}`: {origin}" for name, origin in summary["splits"].items()) + "\n"


def set_names(params: Params) -> list[str]:
    """Return the sets that a reader should see: the replenished one only where something replenishes it."""
    replenished = ["train_replenished"] if params.data.extra else []
    return ["train_primary", *replenished, "dev", "test"]


def _known_text(counts: Mapping[str, int]) -> str:
    return f"{counts['positive']:,} of {counts['positive'] + counts['negative']:,}"


def _gaps(params: Params, summary: Mapping) -> str:
    lines = [
        f"- Without a positive in `{name}`: {', '.join(lacking) or NOBODY}.\n"
        for name in set_names(params)
        for lacking in [_without_positive(summary["sets"][name])]
    ]
    if params.data.extra:
        lacking = ", ".join(summary["not_replenished"]) or NOBODY
        lines.append(f"- Known to no source of the replenishment, so not helped by it: {lacking}.\n")
    return "\n" + "".join(lines)


def _without_positive(entry: Mapping) -> Sequence[str]:
    return [name for name, counts in entry["classes"].items() if not counts["positive"]]


def _leaks(params: Params, summary: Mapping) -> str:
    leaks = [
        [leak["kind"], leak["set"], leak["in"], f"{leak['images']:,}", f"{leak['dropped']:,}"]
        for leak in summary["leaks"]
    ]
    repeats = [
        [name, f"{found['groups']:,}", f"{found['images']:,}"] for name, found in summary["repeats"].items()
    ]
    return f"""## Checks

Images of one set that share a patient, a relative path or their packed pixels with another set. \
`data.leaks: {params.data.leaks}`{_LEAK_POLICIES[params.data.leaks]}.

{markdown_table(["same", "set", "found in", "images", "left out"], leaks)}
Pictures that a set holds under several names: packed pixels that are identical. They are kept.

{markdown_table(["set", "pictures", "surplus images"], repeats)}"""


_LEAK_POLICIES = {
    "stop": " stops the study when there is one",
    "drop": " leaves out the training image, and the development image that the test set has too",
}


def _labels(name: str, entry: Mapping, params: Params) -> str:
    policies = params.data.sources[name].uncertain
    rows = [
        [
            label,
            *(f"{counts[state]:,}" for state in ("positive", "negative", "unknown", "uncertain")),
            policies.get(label, policies["default"]) if counts["uncertain"] else "",
        ]
        for label, counts in entry["classes"].items()
        if label in entry["known"]
    ]
    others = [label for label in entry["classes"] if label not in entry["known"]]
    return f"""## Labels of `{name}`

{markdown_table(["class", "positive", "negative", "unknown", "uncertain in the file", "policy"], rows)}
Not known to `{name}`, so unknown throughout: {", ".join(others) or NOBODY}.
"""
