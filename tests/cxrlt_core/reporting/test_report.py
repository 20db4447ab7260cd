import dataclasses
import re

import pytest
from cxrlt_core.reporting.figure_text import SHOWS
from cxrlt_core.reporting.study import Study

from cxrlt_core.metrics.scores import SUMMARY
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.planner_report import plan_study
from cxrlt_core.reporting.report import DEMO_WARNING, render
from cxrlt_core.reporting.tables import Row

CLASSES = {
    "Edema": {"group": "head", "prevalence": 0.3},
    "Hernia": {"group": "tail", "prevalence": 0.001},
    "Mass": {"group": "tail", "prevalence": None},
}
SPLITS = {"dev": "official: development.csv", "test": "carved by patient, 0.2 of them"}
OFTEN = {"Edema": 0.02, "Hernia": 0.83, "Mass": 0.4}
ORIGIN = {
    "commit": "c0ffee", "file": "flax_model.msgpack", "sha256": "0123456789abcdef", "prefix": "bert.",
    "tensors": 37, "parameters": 78848, "share": 1.0, "left_out": {"cls": 5, "pooler": 2},
}  # fmt: skip
NUMBERS = ("mAP", "mAP_low", "mAP_high", "mAP_corrected", "mAP_seed_sd", *SUMMARY[1:])


ENCODER = {
    "options": {"depth": 2}, "pixels": None, "tokens": 49, "width": 512, "parameters": 23_512_345,
    "gflops": 4.087, "commit": None, "weights": None,
}  # fmt: skip


LOOKED = {
    "images": 40, "patients": 30, "hits": 0.9, "low": 0.8, "high": 0.95, "chance": 0.5, "others": 0.7,
}  # fmt: skip
PARTS = {
    "patients": 4e-4, "patients_by_seed": 0.0, "training": None, "seed_variance": None, "dof": None,
    "selection": 0.0,
}  # fmt: skip
EFFECT = {
    "design": "TTA", "change": "off → ✓", "weights": {"base+tta": 1.0, "base": -1.0},
    "difference": [0.1, None, None], "p_holm": None, "published": 0.1, "verdict": "unresolved",
}  # fmt: skip


def make_row(name: str, value: float | None) -> Row:
    numbers = dict.fromkeys(NUMBERS, value)
    design = {"ensemble": name.replace("_", "-"), "replenished": "✓"}
    return Row(name, design, numbers, dict.fromkeys(NUMBERS), [value], [0.0, 0.0, 0.0], 0.3)


def contrast(row: str, reference: str) -> dict:
    least = dict.fromkeys(("mAP", "mAP_head", "mAP_medium", "mAP_tail"))
    return {
        "what": "TTA", "change": "off → ✓", "rows": [row, reference], "difference": [0.1, None, None],
        "p": None, "p_holm": None, "published": 0.1, "detectable": least, "verdict": "unresolved",
        "family": "primary", "simultaneous": [None, None], "groups": {}, "parts": PARTS,
        "probability_of_improvement": [0.75, 0.5, 0.9],
    }  # fmt: skip


def make_study(params: Params) -> Study:
    counts = {name: {"positive": 3, "negative": 9, "unknown": 0} for name in CLASSES}
    counts["Mass"] = {"positive": 0, "negative": 0, "unknown": 12}
    size = {"images": 1200, "patients": 12, "studies": 12, "classes": counts}
    sets = dict.fromkeys(("train_primary", "train_replenished", "dev", "test"), size)
    scores = {name: {"AP": 0.5, "AUROC": 0.6} for name in CLASSES}
    scores["Mass"] = {"AP": None, "AUROC": None}
    weights = {"rule": "below_mean", "threshold": 0.25, "weights": {"Edema": 1.0, "Hernia": 2.0, "Mass": 1.0}}
    weights["seeds"] = {"0": {"threshold": 0.25, "weights": weights["weights"]}}
    entry = {
        "dev_mAP": 0.6, "plain_dev_mAP": 0.5, "plain_test_mAP": 0.45, "models": ["x", "y"], "classes": scores,
        "stability": {"Edema": 0.9, "Hernia": 0.3, "Mass": 0.5}, "optimism": [0.05, -0.01, 0.11],
    }  # fmt: skip
    cost = {"seconds": 5.0, "device": "CPU", "steps": 9, "images": 1200, "passes": 1, "peak_memory_mib": 1024}
    contrasts = {
        "table1": [contrast("base+tta", "base")],
        "table2": [contrast("class_wise", "model_wise")],
    }
    return Study(
        params=params,
        summary={"classes": list(CLASSES), "sets": sets, "splits": SPLITS},
        classes=CLASSES,
        table1=[make_row("base", 0.25), make_row("base+tta", None)],
        table2=[make_row("model_wise", 0.25), make_row("class_wise", 0.5)],
        ensembles=dict.fromkeys(("model_wise", "class_wise", "class_wise_replenished"), entry),
        contrasts=contrasts,
        effects={"effects": [EFFECT], "additivity": {"ways": 1, "p_holm": None}},
        planner=plan_study(params, contrasts, sets),
        positives={"dev": {"Edema": 40, "Hernia": 3, "Mass": 0}, "test": dict.fromkeys(CLASSES, 7)},
        costs=dict.fromkeys(params.variants, [cost] * len(params.train.seeds)),
        texts=dict.fromkeys(params.text_encoders, ORIGIN),
        weights={"main": {**weights, "ratio": 2.0}, "contrast": {**weights, "ratio": 3.0}},
        upweighted=dict.fromkeys(("main", "contrast", "mild"), OFTEN),
        encoders={name: dict(ENCODER, network=e.model) for name, e in params.image_encoders.items()},
        versions={"torch": "2"},
        revision="abc1234",
        attention={"variant": "base", "grid": 2, "reason": None, "classes": {"Edema": LOOKED}},
        figures={"table1": "Highest mAP: row 1.", "member_choice": "Stable.", "examples": "Images."},
    )


@pytest.fixture
def study(smoke) -> Study:
    return make_study(smoke)


def test_the_demo_says_so_first(study):
    assert render(study).startswith(DEMO_WARNING)


def test_real_images_carry_no_demo_warning(changed):
    real = render(make_study(changed({"demo.sources": [], "demo.text_encoders": []})))
    assert "demo" not in real.casefold() and real.startswith("# Smoke test")
    standins = render(make_study(changed({"demo.sources": []})))
    assert DEMO_WARNING not in standins and "untrained stand-ins" in standins.splitlines()[0]


def test_every_table_is_well_formed(study):
    tables = re.findall(r"(?:^\|.*\n)+", render(study), flags=re.MULTILINE)
    assert len(tables) == 16
    for table in tables:
        lines = table.splitlines()
        assert len({line.count("|") for line in lines}) == 1 and len(lines) > 2, table
        assert set(lines[1]) <= set("| -")


def test_undefined_numbers_never_show_as_none_or_nan(study):
    text = render(study)
    assert "None" not in text and not re.search(r"\bnan\b", text)
    assert "| Mass | tail | – |" in text and "Mass (dev), Mass (test)" in text


def test_upweighted_classes_are_named_weights_that_agree_once(study):
    text = (
        "Upweighted by 2 in `main` and 3 in `contrast` (rule `below_mean`, development AP of the base below"
    )
    text += " 0.2500)"
    text += ": Hernia 83%. Not upweighted, but near: Mass 40%."
    assert text in render(study) and "how often a class would be upweighted" in render(study)
    more = {**study.weights["main"], "rule": "bottom_k", "ratio": 1.5}
    other = dataclasses.replace(study, weights={**study.weights, "mild": more})
    assert text in render(other)
    mild = "Upweighted by 1.5 in `mild` (rule `bottom_k`, development AP of the base up to 0.2500)"
    assert mild in render(other)


def test_a_class_that_only_some_seeds_put_up_says_so(study):
    main = study.weights["main"]
    other = {"threshold": 0.3, "weights": {"Edema": 2.0, "Hernia": 2.0, "Mass": 1.0}}
    mean = {"Edema": 1.5, "Hernia": 2.0, "Mass": 1.0}
    both = {**main, "weights": mean, "seeds": {**main["seeds"], "1": other}}
    assert "Edema 2% (1 of 2 seeds), Hernia 83%." in render(
        dataclasses.replace(study, weights={"main": both})
    )


def test_aggregation_over_studies_is_explained(changed, study):
    assert "`study.aggregate" not in render(study)
    text = render(make_study(changed({"study.aggregate": "view_weighted"})))
    assert "weighted mean (PA 7, AP 7, LATERAL 3, OTHER 5)" in text
    assert "`study.aggregate: mean`" in render(make_study(changed({"study.aggregate": "mean"})))


def test_figures_that_were_drawn_are_linked_with_caption_and_numbers(study):
    text = render(study)
    shown = f"![{SHOWS['member_choice']}](figures/member_choice.png)"
    assert f"{shown}\n\nStable. ([numbers](numbers/member_choice.csv))\n" in text
    assert "(figures/examples.png)\n\nImages.\n" in text and "examples.csv" not in text
    assert "precision_recall" not in text and text.count(".png)") == 3


def test_the_same_study_gives_the_same_text(study, smoke):
    assert render(study) == render(make_study(smoke))


def test_training_noise_is_told_by_the_number_of_seeds(changed, study):
    assert "**Training noise is not measured**" in render(study)
    several = render(make_study(changed({"train.seeds": [0, 4]})))
    assert "not measured**" not in several and "trained 2 times, with seeds 0, 4" in several
    assert "| resnet50_bert_shared | 1,200 | 9 | 1 | 5 s, 5 s | 1,024 MiB |" in several


def test_optimism_is_what_is_lost_beyond_the_plain_mean(study):
    """0.6 on development data and 0.5 on test data, where the mean of the models loses 0.05."""
    line = next(line for line in render(study).splitlines() if "| class-wise | ✓ | 0.6000" in line)
    losses = "| 0.6000 † | 0.5000 | +0.1000 | +0.0500 | +0.0500 [-0.0100, +0.1100] |"
    assert line == f"| 2 | class-wise | ✓ {losses}"
    assert "| 0.6000 | 0.2500 | +0.3500 | +0.0500 | – |" in render(study)  # model-wise chooses nothing


def test_stability_names_the_least_stable_classes(study):
    assert "would choose 56.7% of the models" in render(study)
    assert "least stable: Hernia 30.0%, Mass 50.0%, Edema 90.0%" in render(study)


def test_rows_that_were_added_are_marked_as_exploratory(study):
    text = render(study)
    assert text.count("**The published steps**") == 2 and "**Exploratory**" not in text
    added = {**contrast("base+tta", "base"), "family": "exploratory"}
    both = {"table1": [*study.contrasts["table1"], added], "table2": study.contrasts["table2"]}
    text = render(dataclasses.replace(study, contrasts=both))
    assert text.count("**Exploratory**") == 1 and "(1 and 1 contrasts)" in text


def test_classes_that_bear_no_verdict_are_named(study):
    text = render(study)
    assert "fewer than 5 positive patients bear no verdict" in text and "Hernia (3), Mass (0)." in text
    assert text.count("bear no verdict") == 1  # none in the test set
    line = next(line for line in text.splitlines() if line.startswith("| Hernia | tail"))
    assert " | 3 | 7 | 0.5000 | 0.6000 |" in line


def test_two_seeds_are_told_to_be_too_few(changed):
    assert "Verdicts need 3 seeds" in render(make_study(changed({"train.seeds": [0, 4]})))
    assert "Verdicts need 3 seeds" not in render(make_study(changed({"train.seeds": [0, 4, 5]})))


def test_a_table_without_pairs_says_so(study):
    nothing = {"table1": [], "table2": []}
    planner = plan_study(study.params, nothing, study.summary["sets"])
    text = render(dataclasses.replace(study, contrasts=nothing, planner=planner))
    assert text.count("No two rows differ in one design alone.") == 3 and "variance.png" not in text


def test_the_report_says_what_each_text_encoder_was_loaded_from(study):
    line = next(line for line in render(study).splitlines() if line.startswith("| text `pubmedbert` |"))
    for word in (
        "commit c0ffee",
        "flax_model.msgpack",
        "0123456789ab",
        "37 tensors",
        "78,848",
        "100.0% of",
    ):
        assert word in line


def test_encoders_are_told_with_what_was_loaded(study):
    size = "49 tokens of 512, 23,512,345 parameters, 4.09 GFLOPs an image"
    assert f"| image `resnet50` | `resnet10t`, depth 2, {size}; random weights |" in render(study)
    weights = {
        "commit": "a" * 40, "file": "org/x/model.safetensors", "sha256": "f" * 64, "prefix": "module.",
        "tensors": 318, "parameters": 23512345, "share": 0.9987, "left_out": {"fc": 2},
    }  # fmt: skip
    loaded = {**ENCODER, "network": "vit", "weights": weights, "pixels": [0.5, 0.00048828125]}
    text = render(dataclasses.replace(study, encoders={**study.encoders, "resnet50": loaded}))
    assert (
        "| image `resnet50` | `resnet10t`, `vit`, depth 2, pixels of mean 0.5 and deviation 0.0004883, "
        f"{size}; commit {'a' * 40}, org/x/model.safetensors (SHA-256 ffffffffffff): 318 tensors under "
        "`module.`, 23,512,345 parameters, 99.9% of the network; left out: fc 2 |"
    ) in text


def test_the_report_says_where_the_splits_come_from(study):
    text = render(study)
    assert "- `dev`: official: development.csv\n- `test`: carved by patient, 0.2 of them\n" in text
