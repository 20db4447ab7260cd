"""reports/data.md: what every source brings, what the sets hold, and what was checked. Counts only."""

from collections.abc import Mapping

from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.markdown import markdown_table
from cxrlt_core.reporting.notes import caveat
from cxrlt_core.results.data import ClassInfo, Data, SourceCounts
from cxrlt_core.system import text

NOBODY = "none"
LEAK_POLICIES = {
    "stop": " stops the study when there is one",
    "drop": " leaves out the training image, and the development image that the test set has too",
}


def render_data(params: Params, data: Data, classes: Mapping[str, ClassInfo]) -> str:
    """Write the page as markdown; classes: of the label space, by name."""
    note = caveat(params)
    title = [f"> **{note}**\n"] if note else []
    title.append(f"# The data of: {params.report.title}\n")
    sections = [_sources(params, data), _sets(data, classes), _leaks(params, data)]
    labels = [_labels(name, source, params) for name, source in data.sources.items()]
    return "\n".join([*title, *sections, *labels])


def _sources(params: Params, data: Data) -> str:
    rows = [
        [
            f"`{name}`",
            "primary" if name == params.data.primary else "replenishment",
            *(f"{count:,}" for count in (source.rows, source.images, source.patients, source.studies)),
            text.counts(source.views),
            str(len(source.known)),
            text.counts(source.dropped),
            text.counts(source.rejected_images),
            f"{source.held_out:,}",
        ]
        for name, source in data.sources.items()
    ]
    header = ["source", "role", "label rows", "images", "patients", "studies", "views", "known classes"]
    header += ["rows dropped", "images rejected", "held out"]
    return f"""## Sources

{markdown_table(header, rows)}
*Rejected*: images that could not be read, or are absent. *Held out*: images of an extra source that are its official \
development or test set, or carry no label of the label space.
"""


def _sets(data: Data, classes: Mapping[str, ClassInfo]) -> str:
    sets = data.shown()
    rows = [
        [
            label,
            info.group,
            text.percent(info.prevalence),
            *(f"{c.positive:,} of {c.known:,}" for c in (counts.classes[label] for counts in sets.values())),
        ]
        for label, info in classes.items()
    ]
    return f"""## Sets

{sizes_table(data)}
{origins_text(data)}
Positives of each class, of how many known labels. The groups follow the prevalence in `train_primary`.

{markdown_table(["class", "group", "prevalence", *sets], rows)}{_gaps(data)}"""


def sizes_table(data: Data) -> str:
    """Show how large the sets are."""
    sets = data.shown().items()
    sizes = [[name, *(f"{n:,}" for n in (c.images, c.patients, c.studies))] for name, c in sets]
    return markdown_table(["set", "images", "patients", "studies"], sizes)


def origins_text(data: Data) -> str:
    """Say where the development and the test set come from, a line each."""
    return "\n".join(f"- `{name}`: {origin}" for name, origin in data.splits.items()) + "\n"


def _gaps(data: Data) -> str:
    lacking = {
        name: [label for label, labels in counts.classes.items() if not labels.positive]
        for name, counts in data.shown().items()
    }
    lines = [
        f"- Without a positive in `{name}`: {', '.join(labels) or NOBODY}.\n"
        for name, labels in lacking.items()
    ]
    if data.replenished:
        unknown = ", ".join(data.not_replenished) or NOBODY
        lines.append(f"- Known to no source of the replenishment, so not helped by it: {unknown}.\n")
    return "\n" + "".join(lines)


def _leaks(params: Params, data: Data) -> str:
    leaks = [
        [leak["kind"], leak["set"], leak["in"], f"{leak['images']:,}", f"{leak['dropped']:,}"]
        for leak in data.leaks
    ]
    repeats = [[name, f"{same['groups']:,}", f"{same['images']:,}"] for name, same in data.repeats.items()]
    return f"""## Checks

Images of one set that share a patient, a relative path or their packed pixels with another set. \
`data.leaks: {params.data.leaks}`{LEAK_POLICIES[params.data.leaks]}.

{markdown_table(["same", "set", "found in", "images", "left out"], leaks)}
Pictures that a set holds under several names: packed pixels that are identical. They are kept.

{markdown_table(["set", "pictures", "surplus images"], repeats)}"""


def _labels(name: str, source: SourceCounts, params: Params) -> str:
    policies = params.data.sources[name].uncertain
    rows = [
        [
            label,
            *(f"{n:,}" for n in (counts.positive, counts.negative, counts.unknown, counts.uncertain)),
            policies.get(label, policies["default"]) if counts.uncertain else "",
        ]
        for label, counts in source.classes.items()
        if label in source.known
    ]
    others = [label for label in source.classes if label not in source.known]
    return f"""## Labels of `{name}`

{markdown_table(["class", "positive", "negative", "unknown", "uncertain in the file", "policy"], rows)}
Not known to `{name}`, so unknown throughout: {", ".join(others) or NOBODY}.
Labels of no class, left out, with their positives: {text.counts(source.unread)}.
{_related(source)}"""


def _related(source: SourceCounts) -> str:
    """Say which labels of a source are only near those of a class, or of more or less than it."""

    def taken(label: str, relation: str) -> str:
        if relation in source.related[label].get("use", ()):
            return "taken"
        return "unknown" if label not in source.known or relation in ("near", "partial") else "–"

    rows = [
        [label, relation, text.counts(names), taken(label, relation)]
        for label, related in source.related.items()
        for relation, names in related.items()
        if relation != "use"
    ]
    if not rows:
        return ""
    return f"""
Labels that are not of the class itself, but of what is near it, or of more or less than it. They leave the class \
*unknown*, or are *taken* as far as something follows from them, if the label space says so:

{markdown_table(["class", "relation", "positives there", "labels"], rows)}"""
