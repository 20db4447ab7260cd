"""What made the numbers: encoders, the recipe of training, and what computed them."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from cxrlt_core.params.encoders import ImageEncoder
from cxrlt_core.params.schema import Params
from cxrlt_core.pretrained.strict import origin_text
from cxrlt_core.reporting.markdown import markdown_table
from cxrlt_core.results.models import Encoder, Seen
from cxrlt_core.results.study import Results
from cxrlt_core.study.variants import HARMLESS, changes, designs_of, loss_of

#: What is no package in the description of what computes.
MACHINE = ("device", "kernels", "code", "when")
ELSEWHERE = """**On another machine.** The same parameters, code, data and versions give the same bytes on the machine that made \
this page, and on one of the same kind. Another processor adds in another order; a training carries that on until it is another \
draw, as with another seed. Expect numbers within the intervals of this page or about that near, verdicts that are close to their limit to \
change, and nearly every file of `reports/` to differ. README.md says which variables make the kernels of x86 processors the same."""


def provenance_section(results: Results) -> str:
    """Write the section."""
    lines = [*_encoders(results), *_recipe(results.params), *_seeds(results.params)]
    return f"""## Encoders, recipe and machines

{markdown_table(["what", "value"], lines)}
{_environments(results)}
{ELSEWHERE}

[provenance.json](../provenance.json) has the hashes of parameters, code and data for each row, and for each training what computed \
it, steps, time and memory. Every file behind this page is named with its hash in `dvc.lock`; `dvc params diff` tells what changed \
against another revision.
"""


def _encoders(results: Results) -> Iterator[list[str]]:
    params, origins = results.params, results.origins
    for name, image in params.image_encoders.items():
        yield [f"image `{name}`", _image_encoder(image.model, origins.encoders[name])]
        yield [f"test images that `{name}` has seen", _seen(image, results.seen.get(name))]
    for name, text in params.text_encoders.items():
        origin = origin_text(origins.texts[name])
        yield [f"text `{name}`", f"`{text.model}`, {text.pooling} pooling; {origin}"]
    yield ["images", f"{params.image.size} × {params.image.size} pixels, grey, {params.image.fit}"]


def _seen(image: ImageEncoder, seen: Seen | None) -> str:
    """Say how much of the test set the weights of an encoder were trained on."""
    if seen is not None:
        images = f"{seen.images:,} of {seen.of_images:,} before training"
        return f"{images}, of {seen.patients:,} of {seen.of_patients:,} patients, by the list of the encoder"
    if image.pretrained is False:
        return "none before training: its weights were random"
    if image.pretrained is True and not image.model.startswith("hf-hub:"):
        return "none before training: timm's own weights are of photographs"
    return "not known: `image_encoders` names no list of them (`seen`)"


def _image_encoder(model: str, encoder: Encoder) -> str:
    """Say what an image encoder is, and what was loaded."""
    name = model if model == encoder.network else f"{model}`, `{encoder.network}"
    options = ", ".join(f"{key} {value}" for key, value in encoder.options.items())
    weights = origin_text(encoder.weights) if encoder.weights else "random weights"
    pixels = encoder.pixels and "pixels of mean {:.4g} and deviation {:.4g}".format(*encoder.pixels)
    size = f"{encoder.tokens} tokens of {encoder.width}, {encoder.parameters:,} parameters"
    cost = f"{encoder.gflops:.3g} GFLOPs an image"
    return f"{', '.join(filter(None, [f'`{name}`', options, pixels, size, cost]))}; {weights}"


def _recipe(params: Params) -> Iterator[list[str]]:
    """Yield what all trainings share, and what a recipe, a loss, a design changes."""
    yield ["query network", _said(params.query.model_dump())]
    left_out = {"augment", "seeds", *(key.removeprefix("train.") for key in HARMLESS)}
    yield ["training", _said(params.train.model_dump(exclude=left_out))]
    yield ["augmentation", _said(params.train.augment.model_dump()) or "none"]
    for name in params.recipes:
        yield [
            f"recipe `{name}`",
            ", ".join(f"{key} {value}" for key, value in changes(params, name).items()),
        ]
    losses = {params.variants[name].loss: loss_of(params, name) for name in params.variants}
    for name, loss in losses.items():
        yield [f"loss `{name}`", _said(loss.model_dump())]
    designs = defaultdict(list)
    for name in params.variants:
        for design, settings in designs_of(params, name).items():
            if (words := _said(settings.model_dump())) and words not in designs[design]:
                designs[design].append(words)
    for design, words in designs.items():
        if words:
            yield [f"design `{design}`", " or ".join(words)]
    yield [
        "test-time augmentation",
        f"{params.tta.views} views: {_said(params.tta.augment.model_dump()) or 'alike'}",
    ]


def _said(settings: Mapping[str, Any]) -> str:
    """Name settings and their values; what is off or 0 is left out."""
    shown = {key.replace("_", " "): value for key, value in settings.items() if value not in (None, False, 0)}
    return ", ".join(key if value is True else f"{key} {value}" for key, value in shown.items())


def _seeds(params: Params) -> Iterator[list[str]]:
    seeds = {"bootstrap": params.bootstrap.seed, "TTA": params.tta.seed, "splits": params.data.splits.seed}
    yield [
        "seeds",
        ", ".join([f"training {params.train.seeds}", *(f"{k} {seed}" for k, seed in seeds.items())]),
    ]


def _environments(results: Results) -> str:
    """Show what computed the trainings, the embeddings and this page, and where rows differ in it."""
    whats: dict[tuple, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    times: dict[tuple, set[str]] = defaultdict(set)  # by what the environment is at any time
    for what, seed, environment in _computed(results):
        key = tuple((name, text) for name, text in environment.items() if name != "when")
        times[key].add(environment["when"])
        whats[key][what].append(seed)
    lines = [_line(_named(its, results), dict(key), times[key]) for key, its in whats.items()]
    lines.append(_line("this page", results.origins.report, ()))
    header = ["what", "device", "kernels", "versions", "code", "when"]
    return f"{markdown_table(header, lines)}\n{_differences(results)}"


def _computed(results: Results) -> Iterator[tuple[str, int, Mapping[str, str]]]:
    """Yield what was computed, with which seed, and an environment in which it was."""
    for variant, costs in results.costs.items():
        for seed, cost in zip(results.params.train.seeds, costs, strict=True):
            yield from ((f"`{variant}`", seed, environment) for environment in cost.environments)
    for name, environment in results.origins.embedded.items():
        yield f"embeddings `{name}`", 0, environment


def _named(whats: Mapping[str, Sequence[int]], results: Results) -> str:
    """List what was computed, of a variant the seeds where not all; all trainings in these words."""
    seeds, variants = results.params.train.seeds, {f"`{variant}`" for variant in results.costs}
    words, whole = [], {what for what in variants if set(whats.get(what, ())) == set(seeds)}
    for what, its in whats.items():
        if what not in variants or what in whole:
            words += [] if whole == variants and what in variants else [what]
        else:
            words.append(f"{what} ({'seed' if len(its) == 1 else 'seeds'} {', '.join(map(str, its))})")
    return ", ".join(["all trainings", *words] if whole == variants else words)


def _line(what: str, environment: Mapping[str, str], times: Collection[str]) -> list[str]:
    packages = [f"{name} {text}" for name, text in environment.items() if name not in MACHINE]
    device, kernels, code = (environment.get(key, "–") for key in ("device", "kernels", "code"))
    when = " to ".join(dict.fromkeys([min(times), max(times)])) if times else "–"
    return [what, device, kernels, ", ".join(packages), code, when]


def _differences(results: Results) -> str:
    """Say in what the rows of the tables were computed differently, and which."""
    rows: dict[str, dict[str, dict[str, list[str]]]] = {}  # key to text to table to rows
    for table, number, variants in _rows(results):
        environments = [e for name in variants for cost in results.costs[name] for e in cost.environments]
        for key, text in sorted({pair for e in environments for pair in e.items() if pair[0] != "when"}):
            rows.setdefault(key, {}).setdefault(text, {}).setdefault(table, []).append(str(number))
    differ = [
        f"- **{key}**: " + "; ".join(f"{text} ({_places(tables)})" for text, tables in texts.items()) + "\n"
        for key, texts in rows.items()
        if len(texts) > 1
    ]
    if not differ:
        return "All rows were trained by the same device, kernels, versions and code.\n"
    return f"Rows were trained differently, and what follows from that is part of their differences:\n\n{''.join(differ)}"


def _places(tables: Mapping[str, Sequence[str]]) -> str:
    return ", ".join(f"{table}: {' '.join(rows)}" for table, rows in tables.items())


def _rows(results: Results) -> Iterator[tuple[str, int, Sequence[str]]]:
    """Yield the rows of both tables: title of the table, number, variants."""
    first = [[row.variant] for row in results.params.table1]
    second = [results.ensembles.rows[row.name].models for row in results.tables[1].rows]
    for table, rows in zip(results.tables, (first, second), strict=True):
        yield from ((table.title, number, names) for number, names in enumerate(rows, 1))
