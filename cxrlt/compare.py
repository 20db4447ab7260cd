"""Judge the predictions of any systems: intervals, and a verdict on the difference of every two."""

import argparse
import sys
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import write_json, write_text
from cxrlt_core.system.text import bounded, number, p_value

if TYPE_CHECKING:
    from cxrlt_core.evidence.comparison import Comparison, SystemContrast

PAGE = """# Comparison of {names}

{metric} over the {defined} classes that have known positives and negatives, on {images:,} images of
{patients:,} patients{better}.

{systems}
Intervals of {level:.0%}, each by itself: of patients and, from two seeds on, of trainings.

## Differences

{contrasts}
*Interval*: simultaneous, {level:.0%} for {tests} together{looks}.
*p* is adjusted for the same (Bonferroni), so a verdict never contradicts its interval. *practically
equivalent*: the interval lies within ± {margin:g}. *Detectable*: the difference that four
of five such comparisons would resolve. *Equivalent within*: the smallest margin that would make the two
equivalent.

## Before you believe it

{warnings}"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    text = "CSV or Parquet: image, patient, then a column a class of 1, 0 or empty for unknown"
    parser.add_argument("--labels", type=Path, required=True, metavar="FILE", help=text)
    text = "a name and its predictions, a file a seed: image, then a probability a class; two systems or more"
    parser.add_argument(
        "--system", nargs="+", action="append", required=True, metavar=("NAME", "FILES"), help=text
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="for compare.md and .json")
    parser.add_argument("--metric", default="mAP", help="such as mAUROC (default: mAP)")
    text = "a difference that is too small to matter, either way (default: 0.002)"
    parser.add_argument("--margin", type=margin, default=0.002, help=text)
    text = "numbers of seeds at which you look, declared beforehand; default: you look this once"
    parser.add_argument("--looks", type=looks, default=(), metavar="3,5,10", help=text)
    parser.add_argument("--logits", action="store_true", help="the predictions are logits")
    text = "the seeds of a further training, which tell of training noise; once for each"
    parser.add_argument("--pool", nargs="+", action="append", default=[], metavar="FILES", help=text)


def run(options: argparse.Namespace) -> int:
    """Write the two files, and say each verdict and warning in a line."""
    from cxrlt_core.evidence.comparison import Rules, compare, find_metric
    from cxrlt_core.evidence.system_files import read_labels, read_system

    if options.out.exists() and not options.out.is_dir():
        raise StudyError(f"--out {options.out}: is a file, expected a folder")
    find_metric(options.metric)
    patterns = systems_of(options.system)
    labels = read_labels(options.labels)
    systems = {name: read_system(files, labels, options.logits) for name, files in patterns.items()}
    pool = [read_system(files, labels, options.logits) for files in options.pool]
    rules = Rules(options.metric, options.margin, options.looks, options.logits)
    comparison = compare(labels, systems, rules, pool)
    write_json(options.out / "compare.json", comparison.to_json())
    write_text(options.out / "compare.md", page(comparison))
    for contrast in comparison.contrasts:
        print(f"{difference(contrast)}: {contrast.verdict}")
    for line in comparison.warnings:
        print(f"warning: {line}", file=sys.stderr)
    print(f"{options.out}/compare.md: written")
    return 0


def systems_of(words: list[list[str]]) -> dict[str, list[str]]:
    """Return the name of each system to its patterns; StudyError for a name alone, or there twice."""
    systems: dict[str, list[str]] = {}
    for name, *files in words:
        if not files:
            raise StudyError(f"--system {name}: no files, expected a name and the files of its seeds")
        if name in systems:
            raise StudyError(f"--system {name}: there twice, expected one --system with all of its files")
        systems[name] = files
    if len(systems) < 2:
        raise StudyError("--system: one system, expected two or more")
    return systems


def margin(text: str) -> float:
    """Read a margin."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of at least 0")
    return value


def looks(text: str) -> tuple[int, ...]:
    """Read numbers of seeds, each larger than the one before."""
    from cxrlt_core.evidence.family import MIN_SEEDS

    numbers = [int(word) if word.strip().isdecimal() else 0 for word in text.split(",")]
    if numbers[0] < MIN_SEEDS or any(after <= before for before, after in pairwise(numbers)):
        raise argparse.ArgumentTypeError(f"{text!r}: expected rising numbers from {MIN_SEEDS} on, as 3,5,10")
    return tuple(numbers)


def page(comparison: "Comparison") -> str:
    """Write compare.md."""
    from cxrlt_core.reporting.markdown import markdown_table

    rules, names = comparison.rules, [cell(name) for name in comparison.systems]
    systems = [
        [cell(name), f"{number(each.value)} [{', '.join(map(number, each.interval))}]", *seeds(each.seeds)]
        for name, each in comparison.systems.items()
    ]
    contrasts = [
        [
            cell(" − ".join(each.pair)),
            bounded(each.difference, *each.interval),
            each.verdict,
            p_value(each.p_adjusted),
            number(each.detectable),
            number(each.equivalent_within),
        ]
        for each in comparison.contrasts
    ]
    header = ["pair", "difference [interval]", "verdict", "p", "detectable", "equivalent within"]
    return PAGE.format(
        names=" and ".join(filter(None, [", ".join(names[:-1]), names[-1]])),
        metric=rules.metric,
        defined=sum(each.defined for each in comparison.classes.values()),
        images=comparison.images,
        patients=comparison.patients,
        better="" if comparison.higher_is_better else "; the lower the better",
        systems=markdown_table(["system", f"{rules.metric} [interval]", "seeds", "of each seed"], systems),
        level=rules.level,
        contrasts=markdown_table(header, contrasts),
        tests="one pair" if len(contrasts) == 1 else f"all {len(contrasts)} pairs",
        looks=f" and all looks, at {', '.join(map(str, rules.looks))} seeds" if rules.looks else "",
        margin=rules.margin,
        warnings="".join(f"- {line}\n" for line in comparison.warnings) or "Nothing to warn of.\n",
    )


def difference(contrast: "SystemContrast") -> str:
    """Say by how much a system is above the other: ``B − A: +0.0100 [-0.0100, +0.0300]``."""
    return f"{' − '.join(contrast.pair)}: {bounded(contrast.difference, *contrast.interval)}"


def seeds(values: list[float | None]) -> list[str]:
    """Return their number and their values."""
    return [str(len(values)), ", ".join(map(number, values))]


def cell(name: str) -> str:
    """Return a name as a markdown table holds it."""
    return name.replace("|", "\\|")
