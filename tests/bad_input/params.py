"""params.yaml, through :func:`cxrlt_core.study.read.read_params_file` and :func:`parse_params`."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from cxrlt_core.study.parse import parse_params
from cxrlt_core.study.read import read_params_file
from tests.architecture import ROOT
from tests.bad_input.case import Case

SMOKE = yaml.safe_load((ROOT / "profiles/smoke.yaml").read_text(encoding="utf-8"))
UNNAMED = {**SMOKE["variants"]["resnet50_bert_shared"]}


def with_changes(changes: dict[str, Any]) -> dict[str, Any]:
    """The smoke study with some values changed: ``with_changes({"train.epochs": 2})``."""
    content = copy.deepcopy(SMOKE)
    for key, value in changes.items():
        *folders, last = (int(part) if part.isdigit() else part for part in key.split("."))
        place = content
        for folder in folders:
            place = place[folder]
        place[last] = value
    return content


def text(content: str | bytes) -> Callable[[Path], object]:
    """Read and parse a file of some content."""

    def attempt(folder: Path) -> None:
        path = folder / "params.yaml"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        parse_params(read_params_file(path))

    return attempt


#: What is wrong, the keys of the smoke study that are changed, and the line behind the file's name.
CHANGES: list[tuple[str, dict[str, Any], str]] = [
    ("unknown key", {"train.epoch": 3}, "train.epoch: unknown key, did you mean epochs?"),
    ("unknown nested key", {"train.augment.shear": 3}, "train.augment.shear: unknown key"),
    ("a key that breaks the line", {"train.\n": 1}, "train.'\\n': unknown key"),
    ("a long value", {"train.epochs": "3" * 5000}, "train.epochs: input should be a valid integer, found …"),
    ("unknown section", {"extra": {}}, "extra: unknown key, did you mean train?"),
    ("text for a count", {"train.epochs": "3"}, "train.epochs: input should be a valid integer, found '3'"),
    (
        "switch for a count",
        {"train.epochs": True},
        "train.epochs: input should be a valid integer, found True",
    ),
    ("fraction for a count", {"tta.views": 2.5}, "tta.views: input should be a valid integer, found 2.5"),
    (
        "switch for a number",
        {"train.learning_rate": True},
        "train.learning_rate: input should be a number, found True",
    ),
    (
        "switch for a fraction",
        {"data.splits.dev": False},
        "data.splits.dev: input should be a number, found False",
    ),
    (
        "words for a number",
        {"mixup.alpha": "some"},
        "mixup.alpha: input should be a valid number, unable to parse string as a number, found …",
    ),
    (
        "not a number",
        {"train.learning_rate": float("nan")},
        "train.learning_rate: input should be a finite number, found nan",
    ),
    (
        "published nan",
        {"table1.0.published": float("nan")},
        "table1.0.published: input should be a finite number, found nan",
    ),
    (
        "infinite",
        {"train.augment.rotate": "inf"},
        "train.augment.rotate: input should be a finite number, found 'inf'",
    ),
    (
        "number for a switch",
        {"train.augment.flip": 1},
        "train.augment.flip: input should be a valid boolean, found 1",
    ),
    ("list for a section", {"tta": []}, "tta: input should be a valid dictionary or instance of Tta"),
    ("negative", {"reweight.ratio": -1}, "reweight.ratio: input should be greater than 0, found -1"),
    ("too large", {"data.splits.dev": 1.0}, "data.splits.dev: input should be less than 1, found 1.0"),
    (
        "one image a batch",
        {"train.batch_size": 1},
        "train.batch_size: input should be greater than or equal to 2, found 1",
    ),
    (
        "unknown choice",
        {"reweight.rule": "best"},
        "reweight.rule: input should be 'below_mean', 'below_median' or 'bottom_k', found 'best'",
    ),
    (
        "unknown policy",
        {"data.sources.chexpert.uncertain": "maybe"},
        "data.sources.chexpert.uncertain.default: input should be 'ignore', 'zero' or 'one', found …",
    ),
    (
        "no policy",
        {"data.sources.chexpert.uncertain": 1},
        "data.sources.chexpert.uncertain: expected ignore, zero or one, or a mapping of classes and …",
    ),
    (
        "policy of no class",
        {"data.sources.chexpert.uncertain": {"default": "ignore", "Pneumonias": "one"}},
        "data.sources.chexpert.uncertain: 'Pneumonias' is neither a class of the label space nor …",
    ),
    (
        "unknown views",
        {"data.sources.nih.views": "PA"},
        "data.sources.nih.views: input should be 'all' or 'frontal', found 'PA'",
    ),
    (
        "unknown aggregate",
        {"study.aggregate": "max"},
        "study.aggregate: input should be 'none', 'mean' or 'view_weighted', found 'max'",
    ),
    (
        "unknown kind",
        {"losses.mine": {"kind": "hinge", "gamma": 1}},
        "losses.mine.kind: unknown kind 'hinge', expected asl, bce, class_balanced, focal",
    ),
    (
        "number for a kind",
        {"losses.mine": {"kind": 3}},
        "losses.mine.kind: unknown kind 3, expected asl, bce, class_balanced, focal",
    ),
    ("no kind", {"losses.mine": {"gamma": 2}}, "losses.mine.kind: missing key; write kind: bce"),
    (
        "word for a loss",
        {"losses.mine": "focal"},
        "losses.mine: input should be a valid dictionary or instance of LossSettings, found 'focal'",
    ),
    ("old section of the loss", {"loss": {"name": "bce"}}, "loss: unknown key, did you mean losses?"),
    (
        "misspelt key of a loss",
        {"losses.focal": {"kind": "focal", "gama": 2, "alpha": None}},
        "losses.focal.gama: unknown key, did you mean gamma?",
    ),
    (
        "missing key of a loss",
        {"losses.mine": {"kind": "focal", "gamma": 2}},
        "losses.mine.alpha: missing key; write alpha: null",
    ),
    ("key of another loss", {"losses.bce.gamma": 2}, "losses.bce.gamma: unknown key"),
    (
        "negative focus",
        {"losses.asl.gamma_neg": -1},
        "losses.asl.gamma_neg: input should be greater than or equal to 0, found -1",
    ),
    ("certain margin", {"losses.asl.clip": 1}, "losses.asl.clip: input should be less than 1, found 1"),
    (
        "beta of one",
        {"losses.class_balanced.beta": 1},
        "losses.class_balanced.beta: input should be less than 1, found 1",
    ),
    (
        "alpha of zero",
        {"losses.focal.alpha": 0},
        "losses.focal.alpha: input should be greater than 0, found 0",
    ),
    (
        "dangling loss",
        {"variants.resnet50_bert_shared.loss": "mine"},
        "variants.resnet50_bert_shared.loss: 'mine' is not in losses (bce, asl, focal, …",
    ),
    (
        "dangling weights",
        {"variants.resnet50_bert_shared.weights": "mild"},
        "variants.resnet50_bert_shared.weights: 'mild' is not in uniform and reweight (uniform, …",
    ),
    (
        "taken weights",
        {"reweight.more": {"main": {"ratio": 1.5, "rule": "bottom_k", "k": 5}}},
        "reweight.more.main: the name is taken, expected another one",
    ),
    (
        "half a reweighting",
        {"reweight.more": {"mild": {"ratio": 1.5, "rule": "bottom_k"}}},
        "reweight.more.mild.k: missing key; write k: 5",
    ),
    (
        "policies without a default",
        {"data.sources.chexpert.uncertain": {"Pneumonia": "one"}},
        "data.sources.chexpert.uncertain: expected ignore, zero or one, or a mapping of classes and …",
    ),
    ("no training patients", {"data.splits.dev": 0.8}, "data.splits: dev + test must be below 1"),
    ("heads", {"query.heads": 3}, "query: width 16 must be a multiple of heads 3"),
    ("a seed twice", {"train.seeds": [0, 1, 0]}, "train: seeds must differ from each other"),
    (
        "prompt without label",
        {"text_encoders.pubmedbert.prompt": "x"},
        "text_encoders.pubmedbert: prompt must contain {label} and no other braces",
    ),
    (
        "prompt with braces",
        {"text_encoders.pubmedbert.prompt": "{label} {x}"},
        "text_encoders.pubmedbert: prompt must contain {label} and no other braces",
    ),
    (
        "weights",
        {"image_encoders.resnet50.pretrained": 1},
        "image_encoders.resnet50.pretrained: input should be true, false or a file, found 1",
    ),
    (
        "a smuggled file",
        {"image_encoders.resnet50.options": {"checkpoint_path": "w.pth"}},
        "image_encoders.resnet50.options: 'checkpoint_path' is no option of a network; its weights …",
    ),
    (
        "weights by an option",
        {"image_encoders.resnet50.options": {"pretrained_cfg_overlay": {"file": "w.pth"}}},
        "image_encoders.resnet50.options: 'pretrained_cfg_overlay' is no option of a network; its …",
    ),
    (
        "features",
        {"image_encoders.resnet50.options": {"features_only": True}},
        "image_encoders.resnet50.options: 'features_only' is no option of a network; its weights are …",
    ),
    (
        "a hub without revision",
        {"image_encoders.resnet50.model": "hf-hub:a/b"},
        "image_encoders.resnet50: model hf-hub:… needs a revision: a commit or a tag",
    ),
    (
        "a revision of nothing",
        {"image_encoders.resnet50.revision": "main"},
        "image_encoders.resnet50: revision is of a hub's weights, and there are none",
    ),
    (
        "a prefix of nothing",
        {"image_encoders.resnet50.prefix": "module."},
        "image_encoders.resnet50: layout, prefix and rename are of weights, and there are none",
    ),
    (
        "pixels of nothing",
        {"image_encoders.resnet50.pixels": "weights"},
        "image_encoders.resnet50: pixels: weights is known of a hub's weights alone; of others write …",
    ),
    (
        "pixels",
        {"image_encoders.resnet50.pixels": [0.5, 0]},
        "image_encoders.resnet50.pixels: input should be study, weights or [mean, deviation] of …",
    ),
    (
        "a rule",
        {"image_encoders.resnet50.rename": [["a"]]},
        "image_encoders.resnet50.rename: ['a'] is no pair of a regular expression and its replacement",
    ),
    (
        "a pattern",
        {"image_encoders.resnet50.rename": [["(", "x"]]},
        "image_encoders.resnet50.rename: ['(', 'x']: not a regular expression and its replacement: …",
    ),
    (
        "a group that is not there",
        {"image_encoders.resnet50.rename": [["a", "\\1"]]},
        "image_encoders.resnet50.rename: ['a', '\\\\1']: not a regular expression and its replacement: …",
    ),
    (
        "name",
        {"variants.a b": UNNAMED},
        "variants.a b.[key]: string should match pattern '^[A-Za-z0-9_-]+$', found 'a b'",
    ),
    (
        "limits that cross",
        {"data.groups": {"head": 0.02, "tail": 0.1}},
        "data.groups: tail 0.1 must not be above head 0.02",
    ),
    (
        "a device of nothing",
        {"compute.device": "meta"},
        "compute.device: expected auto, cpu, cuda or cuda:<number>, found 'meta'",
    ),
    (
        "too many threads",
        {"compute.threads": 100000},
        "compute.threads: input should be less than or equal to 1024, found 100000",
    ),
    (
        "images of a gigapixel",
        {"image.size": 40000},
        "image.size: input should be less than or equal to 4096, found 40000",
    ),
    (
        "an absurd batch",
        {"train.batch_size": 1000000000},
        "train.batch_size: input should be less than or equal to 1000000, found 1000000000",
    ),
    (
        "absurd epochs",
        {"train.epochs": 1000000000000},
        "train.epochs: input should be less than or equal to 1000000, found 1000000000000",
    ),
    (
        "absurd steps",
        {"train.epochs": None, "train.steps": 1000000000000},
        "train.steps: input should be less than or equal to 1000000000, found 1000000000000",
    ),
    (
        "an absurd width",
        {"query.width": 1048576},
        "query.width: input should be less than or equal to 65536, found 1048576",
    ),
    (
        "absurd resamples",
        {"bootstrap.resamples": 1000000000},
        "bootstrap.resamples: input should be less than or equal to 1000000, found 1000000000",
    ),
    (
        "an absurd rate",
        {"train.learning_rate": 1e300},
        "train.learning_rate: input should be less than or equal to 1000000000, found 1e+300",
    ),
    (
        "an absurd ratio",
        {"reweight.ratio": 1000000000000.0},
        "reweight.ratio: input should be less than or equal to 1000000000, found 1000000000000.0",
    ),
    (
        "absurd views",
        {"tta.views": 1000000000},
        "tta.views: input should be less than or equal to 1000000, found 1000000000",
    ),
    ("no rows", {"table1": []}, "table1: list should have at least 1 item after validation, not 0"),
    (
        "dangling image",
        {"variants.resnet50_bert_shared.image": "vgg"},
        "variants.resnet50_bert_shared.image: 'vgg' is not in image_encoders (resnet50, densenet121)",
    ),
    (
        "dangling text",
        {"variants.resnet50_bert_shared.text": "gpt"},
        "variants.resnet50_bert_shared.text: 'gpt' is not in text_encoders (pubmedbert, clinical_t5)",
    ),
    (
        "dangling primary",
        {"data.primary": "padchest"},
        "data.primary: 'padchest' is not in data.sources (mimic, nih, chexpert)",
    ),
    (
        "dangling extra",
        {"data.extra": ["nih", "padchest"]},
        "data.extra.1: 'padchest' is not in data.sources (mimic, nih, chexpert)",
    ),
    (
        "dangling row",
        {"table1.1.variant": "none"},
        "table1.1.variant: 'none' is not in variants (resnet50_bert_shared, resnet50_bert_separate, …",
    ),
    (
        "dangling base",
        {"reweight.base": "none"},
        "reweight.base: 'none' is not in variants (resnet50_bert_shared, resnet50_bert_separate, …",
    ),
    (
        "base that depends on itself",
        {"reweight.base": "densenet121_bert_reweighted"},
        "reweight.base: 'densenet121_bert_reweighted' must itself train with weights: uniform",
    ),
    (
        "primary as extra",
        {"data.extra": ["mimic"]},
        "data.extra: a source may be used once, and the primary one not as an extra",
    ),
    (
        "row twice",
        {"table1.1.variant": "resnet50_bert_shared"},
        "table1: row resnet50_bert_shared stands twice",
    ),
    (
        "nothing to replenish with",
        {"data.extra": []},
        "variants.resnet50_t5_mixup_replenished.data: 'replenished' needs a source in data.extra, …",
    ),
]

#: What is wrong, the text of the file, and the line behind its name.
TEXTS: list[tuple[str, str | bytes, str]] = [
    (
        "an octal number",
        "a:\n  epochs: 010",
        "line 2: 010 is no plain number, expected decimal digits, no leading 0",
    ),
    ("an hour", "steps: 1:30", "line 1: 1:30 is no plain number, expected decimal digits, no leading 0"),
    (
        "a hexadecimal number",
        "steps: 0x10",
        "line 1: 0x10 is no plain number, expected decimal digits, no leading 0",
    ),
    (
        "a binary number",
        "steps: 0b11",
        "line 1: 0b11 is no plain number, expected decimal digits, no leading 0",
    ),
    (
        "underscores",
        "steps: 1_000",
        "line 1: 1_000 is no plain number, expected decimal digits, no leading 0",
    ),
    ("a leading 0", "steps: 08", "line 1: 08 is no plain number, expected decimal digits, no leading 0"),
    (
        "an octal number of YAML 1.2",
        "steps: 0o17",
        "line 1: 0o17 is no plain number, expected decimal digits, no leading 0",
    ),
    ("a key twice", "a: 1\nb: 2\na: 3", "line 3: key 'a' is there twice, expected it once"),
    (
        "a key twice within",
        "a:\n  b: 1\n  c: {d: 1, d: 1}",
        "line 3: key 'd' is there twice, expected it once",
    ),
    (
        "a section twice",
        "train: {a: 1}\ndata: {}\ntrain: {b: 1}",
        "line 3: key 'train' is there twice, expected it once",
    ),
    ("a bracket", "a: [1", "not valid YAML: …"),
    ("a tab", "a:\n\tb: 1", "not valid YAML: …"),
    ("a list as key", "? [1]\n: 2", "not valid YAML: …"),
    ("an object", "a: !!python/object:os.system {}", "not valid YAML: …"),
    ("a time", "length: 1:30.5", "line 1: 1:30.5 is no plain number, expected decimal digits"),
    ("yes", "flip: yes", "line 1: yes is no plain switch, expected true or false"),
    ("a day that is none", "title: 2024-02-30", "not valid YAML: day is out of range for month"),
    ("brackets without end", "a: " + "[" * 3000, "not valid YAML: …"),
    (
        "aliases of aliases",
        "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
        + "".join(f"{chr(c + 1)}: &{chr(c + 1)} [{f'*{chr(c)}, ' * 9}]\n" for c in range(97, 105)),
        "more than 100,000 values, aliases spelt out; expected a study",
    ),
    ("an alias of itself", "a: &a [*a]", "more than 100,000 values, aliases spelt out; expected a study"),
    ("a list", "- 1\n- 2\n", "expected a mapping of sections, found list"),
    ("words", "epochs 3", "expected a mapping of sections, found str"),
    ("nothing", "", "expected a mapping of sections, found NoneType"),
    ("latin-1", "title: Übersicht".encode("latin-1"), "not UTF-8 text at byte 7; save it as UTF-8"),
    ("UTF-16", "title: x".encode("utf-16"), "not UTF-8 text at byte 0; save it as UTF-8"),
    ("a NUL", "title: \0", "not valid YAML: …"),
]


def _cut(content: str | bytes) -> str:
    text = repr(content)
    return text if len(text) < 80 else f"{text[:79]}…"


def _shown(changes: dict[str, Any]) -> str:
    return ", ".join(f"`{key}: {_cut(value)}`" for key, value in changes.items())


CASES = [
    Case(
        "no such file",
        lambda folder: read_params_file(folder / "params.yaml"),
        "params.yaml: no such file or folder",
    ),
    *(
        Case(f"{what}: `{_cut(content)}`", text(content), f"params.yaml: {line}")
        for what, content, line in TEXTS
    ),
    *(
        Case(
            f"{what}: {_shown(changes)}",
            lambda _, changes=changes: parse_params(with_changes(changes)),
            f"params.yaml: {line}",
        )
        for what, changes, line in CHANGES
    ),
]
