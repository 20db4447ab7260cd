import re
from dataclasses import replace

import pytest
from made_results import COST, ENCODER, HERE, LOOKED, WEIGHTS, make_contrast, make_results, make_table
from matplotlib.figure import Figure

from cxrlt_core.evidence.alarms import NoiseAlarm
from cxrlt_core.figures import Picture, Section, draw_figures
from cxrlt_core.reporting.report import DEMO_WARNING, REPORT
from cxrlt_core.reporting.report import render as render_with
from cxrlt_core.results.models import Attention, SeedWeights
from cxrlt_core.results.study import Results


def render(results: Results) -> str:
    """Write the report of a study without pictures, and its appendix behind it."""
    return "\n".join(render_with(results, []).values())


@pytest.fixture
def study(smoke) -> Results:
    return make_results(smoke)


def test_the_warning_of_a_demo_comes_first_and_stands_on_no_real_images(study, changed):
    assert render(study).startswith(DEMO_WARNING)
    real = render(make_results(changed({"demo.sources": [], "demo.text_encoders": []})))
    assert "demo" not in real.casefold() and real.startswith("# Smoke test")
    standins = render(make_results(changed({"demo.sources": []})))
    assert DEMO_WARNING not in standins and "untrained stand-ins" in standins.splitlines()[0]


def test_every_table_is_well_formed_and_undefined_numbers_never_show(study):
    text = render(study)
    tables = re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE)
    assert len(tables) == 14
    for table in tables:
        lines = table.splitlines()
        assert len({line.count("|") for line in lines}) == 1 and len(lines) > 2, table
        assert set(lines[1]) <= set("| -")
    assert "None" not in text and not re.search(r"\bnan\b", text)
    assert "| Mass | tail | – |" in text and "Mass (dev), Mass (test)" in text


def test_each_table_says_what_chance_would_score(study):
    lines = [line for line in render(study).splitlines() if line.startswith("Scores drawn at random: mAP")]
    expected = [f"{study.chance(split):.4f}" for split in ("dev", "test")]
    assert [line.split()[5].rstrip(",") for line in lines] == expected


def test_replenishment_is_spoken_of_where_there_is_some(study):
    assert "A replenished variant" in render(study)
    alone = study.params.data.model_copy(update={"extra": []})
    params = study.params.model_copy(update={"data": alone})
    assert "A replenished variant" not in render(replace(study, params=params))


def test_upweighted_classes_are_named_weights_that_agree_once_and_those_of_some_seeds_say_so(study):
    text = "Upweighted by 2 in `main` and 3 in `contrast` (rule `below_mean`, development AP of the base"
    text += " below 0.2500): Hernia 83%. Not upweighted, but near: Mass 40%."
    assert text in render(study) and "how often a class would be upweighted" in render(study)
    more = replace(study.weights["main"], rule="bottom_k", ratio=1.5)
    other = replace(study, weights={**study.weights, "mild": more})
    assert text in render(other)
    mild = "Upweighted by 1.5 in `mild` (rule `bottom_k`, development AP of the base up to 0.2500)"
    assert mild in render(other)
    other = SeedWeights(0.3, {"Edema": 2.0, "Hernia": 2.0, "Mass": 1.0})
    mean = {"Edema": 1.5, "Hernia": 2.0, "Mass": 1.0}
    both = replace(WEIGHTS, weights=mean, seeds={**WEIGHTS.seeds, "1": other})
    text = render(replace(study, weights={"main": both}))
    assert "Edema 2% (1 of 2 seeds), Hernia 83%." in text


def test_aggregation_over_studies_is_explained(changed, study):
    assert "`study.aggregate" not in render(study)
    text = render(make_results(changed({"study.aggregate": "view_weighted"})))
    assert "weighted mean (PA 7, AP 7, FRONTAL 7, LATERAL 3, OTHER 5)" in text
    assert "`study.aggregate: mean`" in render(make_results(changed({"study.aggregate": "mean"})))


def test_every_picture_stands_once_in_its_section_in_the_order_given(study):
    shown = [Picture(f"{s}{n}", s, n, "Dots.", Figure(), f"Of {s}.", []) for s in Section for n in (1, 2)]
    pages = render_with(study, shown)
    for picture in shown:
        on_report = picture.section in (Section.ANSWER, Section.PLAN)
        assert pages[REPORT].count(picture.markdown()) == on_report, picture.name
        assert sum(page.count(picture.markdown("../")) for page in pages.values()) == 1 - on_report
    text = pages["appendix/classes.md"]
    first, second = (text.index(f"(../figures/classes{n}.png)") for n in (1, 2))
    assert first < second < text.index("## Where the model looks") and ".png)" not in render(study)


def test_training_noise_and_verdicts_are_told_by_the_number_of_seeds(changed, study):
    assert "**Training noise is not measured**" in render(study)
    several = render(make_results(changed({"train.seeds": [0, 4]})))
    assert "not measured**" not in several and "trained 2 times, with seeds 0, 4" in several
    assert "| resnet50_bert_shared | 1,200 | 9 | 1 | 5 s, 5 s | 1,024 MiB |" in several
    assert "Verdicts need 3 seeds" in several
    three = {"train.seeds": [0, 4, 5]}
    assert "Verdicts need 3 seeds" not in render(make_results(changed(three)))
    looked = render(make_results(changed({**three, "evidence.looks": [3, 5, 10]})))
    assert looked.count("This is look 1 of 3 (at 3, 5 and 10 seeds)") == 2 and "This is look" not in several
    between = render(make_results(changed({**three, "evidence.looks": [5, 10]})))
    assert "3 seeds are no declared look (at 5 and 10 seeds)" in between


def test_trainings_of_another_noise_are_an_alarm(changed, study):
    assert "alike in their noise" not in render(study)  # of one seed nothing is known
    study = make_results(changed({"train.seeds": [0, 1, 2]}))
    assert "own seeds say; nothing speaks against it." in render(study)
    alarms = [NoiseAlarm("a", None, 12.04, 0.0012), NoiseAlarm("b", 0, -9.5, 0.0001)]
    text = render(replace(study, alarms=alarms))
    assert "the seeds of `a` vary 12.0 times as much as those of the others (p 0.001)" in text
    assert "seed 0 of `b` lies 9.5 standard deviations below its other seeds (p <0.001)" in text


def test_optimism_is_what_is_lost_beyond_the_plain_mean(study):
    """0.6 on development data and 0.5 on test data, where the mean of the models loses 0.05."""
    line = next(line for line in render(study).splitlines() if "| class-wise | ✓ | 0.6000" in line)
    losses = "| 0.6000 † | 0.5000 | +0.1000 | +0.0500 | +0.0500 [-0.0100, +0.1100] |"
    assert line == f"| 2 | class-wise | ✓ {losses}"
    assert "| 0.6000 | 0.2500 | +0.3500 | +0.0500 | – |" in render(study)  # model-wise chooses nothing


def test_rows_that_were_added_are_exploratory_and_a_table_without_pairs_says_so(study):
    text = render(study)
    assert (
        text.count("**The steps that are judged**") == 2
        and text.count("# Glossary\n") == 1
        and "**Exploratory**" not in text
    )
    first, second = study.tables
    both = [*first.contrasts, make_contrast(family="exploratory")]
    text = render(replace(study, tables=(make_table(1, first.rows, both, 1, first.positives), second)))
    assert text.count("**Exploratory**") == 1 and "(1 and 1 contrasts)" in text
    tables = tuple(make_table(t.number, t.rows, [], 1, t.positives) for t in study.tables)
    text = render(replace(study, tables=tables))
    assert text.count("No two rows differ in one design alone.") == 3


def test_classes_that_bear_no_verdict_are_named(study):
    text = render(study)
    rare = "Those with fewer than 5 bear no verdict and are left out of differences"
    assert f"{rare}: Hernia (3), Mass (0) in the development set." in text  # none in the test set
    line = next(line for line in text.splitlines() if line.startswith("| Hernia | tail"))
    assert " | 3 | 7 | 0.5000 [0.4000, 0.7000] | 0.6000 |" in line


def test_encoders_are_told_with_what_was_loaded(study):
    line = next(line for line in render(study).splitlines() if line.startswith("| text `pubmedbert` |"))
    for word in ("commit c0ffee", "flax_model.msgpack", "0123456789ab", "37 tensors", "78,848", "100.0% of"):
        assert word in line
    size = "49 tokens of 512, 23,512,345 parameters, 4.09 GFLOPs an image"
    assert f"| image `resnet50` | `resnet10t`, depth 2, {size}; random weights |" in render(study)
    weights = {
        "commit": "a" * 40, "file": "org/x/model.safetensors", "sha256": "f" * 64, "prefix": "module.",
        "tensors": 318, "parameters": 23512345, "share": 0.9987, "left_out": {"fc": 2},
    }  # fmt: skip
    loaded = replace(ENCODER, network="vit", weights=weights, pixels=(0.5, 0.00048828125))
    encoders = {**study.origins.encoders, "resnet50": loaded}
    text = render(replace(study, origins=replace(study.origins, encoders=encoders)))
    assert (
        "| image `resnet50` | `resnet10t`, `vit`, depth 2, pixels of mean 0.5 and deviation 0.0004883, "
        f"{size}; commit {'a' * 40}, org/x/model.safetensors (SHA-256 ffffffffffff): 318 tensors under "
        "`module.`, 23,512,345 parameters, 99.9% of the network; left out: fc 2 |"
    ) in text


def test_classes_above_all_levels_are_named_and_what_cannot_be_scored_says_why(study):
    def attention(**changes) -> str:
        looked = Attention(**{"variant": "base", "grid": 4, "reason": None} | changes)
        text = render(replace(study, attention=looked))
        return text[text.index("## Where the model looks") : text.index("# Where the numbers come from")]

    text = attention(classes={"Edema": LOOKED, "Mass": replace(LOOKED, low=0.65)})
    assert "| Edema | head | 40 | 44 | 30 | 90.0% | [80.0%, 95.0%] | 50.0% | 60.0% | 70.0% |" in text
    assert "1 of 2 classes lie above all three levels with their whole interval: Edema." in text
    assert "4 × 4 cells" in text and "left out" not in text and "fewer" not in text
    told = attention(classes={"Mass": replace(LOOKED, centre=0.85)}, few=["Edema"], left_out={"cut off": 3})
    assert "0 of 1 classes lie above" in told and "Of fewer than 10 patients, so not scored: Edema." in told
    assert "Boxes that are left out: 3 cut off." in told
    real = attention(classes={})
    assert "nothing is scored" in real and "|" not in real
    known = Attention("base", 4, None, {"Mass": LOOKED})
    text = render(replace(study, attended={"vindr": known, "gold": replace(known, reason="base is struck")}))
    assert "### On `vindr`\n\nCross-attention of `base`" in text
    assert "### On `gold`\n\nNot known: base is struck." in text and text.count("*Hits*") == 1
    assert "Not known: attention: 5 tokens." in attention(grid=None, reason="attention: 5 tokens", classes={})


def test_a_study_without_published_figures_says_nothing_of_any(study):
    tables = tuple(
        make_table(
            its.number,
            [replace(row, published=None) for row in its.rows],
            [replace(c, published=None, family="exploratory") for c in its.contrasts],
            1,
            its.positives,
        )
        for its in study.tables
    )
    effects = replace(study.effects, effects=[replace(e, published=None) for e in study.effects.effects])
    plain = replace(study, tables=tables, effects=effects)
    shown = draw_figures(plain)
    text = (
        "".join(render_with(plain, shown).values())
        .replace("published figure.", "")
        .replace("published figure or says", "")
    )
    assert "ublished" not in text and "paper" not in text
    assert "ublished" in render(study) and {"designs", "table1"} <= {picture.name for picture in shown}
    assert not any(word in picture.alt for picture in shown for word in ("published", "paper"))


def test_the_recipe_is_told_and_every_term_once(changed, study):
    text = render(make_results(changed({"train.learning_rate": 0.0123, "train.augment.rotate": 7})))
    [line] = [line for line in text.splitlines() if line.startswith("| training |")]
    assert (
        "learning rate 0.0123" in line and "batch size" in line and "precision" in line and "warmup" in line
    )
    assert "| augmentation | rotate 7" in text and "| loss `bce` | kind bce |" in text
    terms = re.findall(r"^- \*\*(.+?)\*\*: ", text[text.index("# Glossary") :], re.MULTILINE)
    assert len(terms) == len(set(terms)) > 20 and {"mAP", "chance", "verdict", "†"} <= set(terms)


def test_what_computed_is_told_and_where_rows_differ_in_it(changed, study):
    alike = render(study)
    machine = "| CPU | AVX2 | torch 2 | abc1234 | 2026-01-02 03:04 UTC |"
    assert f"| all trainings, embeddings `pubmedbert`, embeddings `clinical_t5` {machine}" in alike
    assert "All rows were trained by the same device" in alike and "| this page | – | – | torch 2 |" in alike
    first = next(name for name in study.costs if name == study.params.table1[0].variant)
    moved = replace(COST, environments=[{**HERE, "torch": "3", "when": "2026-01-03 00:00 UTC"}])
    text = render(replace(study, costs={**study.costs, first: [moved]}))
    assert f"| `{first}` | CPU | AVX2 | torch 3 | abc1234 | 2026-01-03 00:00 UTC |" in text
    assert "- **torch**: 3 (Table 1: 1); 2 (" in text and "Table 2: 1 2)" in text
    assert "- **device**" not in text and "All rows were trained" not in text
    three = make_results(changed({"train.seeds": [0, 4, 5]}))
    text = render(replace(three, costs={**three.costs, first: [COST, moved, moved]}))
    assert f"`{first}` (seed 0)" in text and f"| `{first}` (seeds 4, 5) | CPU" in text
