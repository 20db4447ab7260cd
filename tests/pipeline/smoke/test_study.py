"""The whole DAG on profiles/smoke.yaml: contracts between stages, and what the study holds."""

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml
from workspace import ALWAYS, load, table

from cxrlt_core.demo.classes import CLASSES
from tests.browser import CHROMIUM, look
from tests.test_links import dead_links

VARIANTS = ["resnet50_bert_shared", "resnet50_bert_separate", "densenet121_bert_reweighted"]
VARIANTS += ["resnet50_t5_contrast_mixup", "resnet50_t5_mixup_replenished"]
ON_MAIN = ["densenet121_bert_reweighted", "resnet50_t5_mixup_replenished"]


def test_every_stage_runs_encoders_before_any_image_and_dvc_warns_of_nothing(smoke):
    per_item = {
        **dict.fromkeys(("train", "evaluate", "tta"), VARIANTS),
        **dict.fromkeys(("synthesize", "harmonize", "pack"), ("mimic", "nih", "chexpert")),
        **dict.fromkeys(("synthesize_text", "embed"), ("pubmedbert", "clinical_t5")),
        "encoder": ("resnet50", "densenet121"),
    }
    single = ("code", "pretrained", "split", "pixels", "describe")
    single += ("attention", "reweight", "ensemble", "report")
    expected = [f"{stage}@{item}" for stage, items in per_item.items() for item in items]
    assert sorted(smoke.first_run) == sorted([*expected, *single])
    ran = [name.split("@")[0] for name in smoke.first_run]
    assert not {"pack", "train"} & set(ran[: len(ran) - ran[::-1].index("encoder")])
    assert "is empty" not in smoke.first_words and "WARNING" not in smoke.first_words
    assert (smoke.folder / "dvc.lock").stat().st_size < 50_000


def test_where_the_model_looks(smoke):
    """On drawn images it is scored and shown; that an image is whose is not in the report."""
    found = load(smoke, "metrics/attention.json")
    assert found["variant"] == "resnet50_bert_separate" and len(found["classes"]) == 4
    assert len(found["few"]) == 19  # of fewer than ten patients
    assert found["grid"] == 1 and all(one["hits"] == one["chance"] == 1 for one in found["classes"].values())
    assert not {"No Finding", "Cardiomegaly"} & {*found["classes"], *found["few"]}
    text = (smoke.folder / "reports/appendix/classes.md").read_text()
    assert "## Where the model looks" in text and "(../figures/attention.png)" in text
    assert (smoke.folder / "reports/figures/attention.png").exists()
    assert not (smoke.folder / "reports/numbers/attention.csv").exists()


def test_predictions_metrics_and_weights(smoke):
    dev, test = (table(smoke, f"data/sets/{n}.parquet") for n in ("dev", "test"))
    for variant in VARIANTS:
        for path, data in (("dev/{}/0", dev), ("tta/{}/0/dev", dev), ("tta/{}/0/test", test)):
            predictions = table(smoke, f"predictions/{path.format(variant)}.parquet")
            assert list(predictions.columns) == ["image_id", "study_id", "patient_id", *CLASSES]
            assert predictions["image_id"].tolist() == data["image_id"].tolist()
            assert predictions[list(CLASSES)].stack().between(0, 1).all()
            assert (predictions[list(CLASSES)].dtypes == "float32").all()
        took = load(smoke, f"metrics/seconds/{variant}.json")
        assert took["images"] == len(dev) and all(seconds > 0 for seconds in took["seconds"].values())
        metrics = load(smoke, f"metrics/dev/{variant}.json")
        assert {"mAP", "mAUROC", "mAP_head", "mAP_medium", "mAP_tail", "classes"} <= set(metrics)
    tta = table(smoke, f"predictions/tta/{VARIANTS[0]}/0/dev.parquet")
    plain = table(smoke, f"predictions/dev/{VARIANTS[0]}/0.parquet")
    assert not tta[list(CLASSES)].equals(plain[list(CLASSES)])  # a TTA flag that nobody reads
    main, contrast = load(smoke, "weights/main.json"), load(smoke, "weights/contrast.json")
    assert set(main["weights"].values()) == {1.0, 2.0}
    assert set(contrast["weights"].values()) == {1.0, 3.0}
    assert set(load(smoke, "weights/uniform.json")["weights"].values()) == {1.0}


def test_a_training_is_followed_on_the_development_set(smoke):
    """A sample of so few images is the whole set, so the last epoch has the score of the stage evaluate."""
    histories = pd.read_csv(smoke.folder / "reports/history.csv")
    assert len(table(smoke, "data/sets/monitor.parquet")) == len(table(smoke, "data/sets/dev.parquet"))
    for variant, lines in histories.groupby("variant"):
        score = load(smoke, f"metrics/dev/{variant}.json")["seeds"]["0"]["mAP"]
        assert lines["dev_mAP"].iloc[-1] == pytest.approx(score, abs=1e-6)


def test_tables(smoke):
    params = yaml.safe_load((smoke.folder / "params.yaml").read_text())
    first, second = load(smoke, "reports/table1.json"), load(smoke, "reports/table2.json")
    assert len(first) == len(params["table1"]) and len(second) == len(params["table2"])
    assert {tuple(row) for row in [*first.values(), *second.values()]} == {("mAP",)}  # a few numbers
    for name, rows in (("table1", first), ("table2", second)):
        csv = pd.read_csv(smoke.folder / f"reports/{name}.csv")
        assert csv["row"].tolist() == list(rows)
        assert csv["mAP"].tolist() == [row["mAP"] for row in rows.values()] == csv["mAP"].round(4).tolist()
        assert (csv["mAP_low"] <= csv["mAP"]).all() and (csv["mAP"] <= csv["mAP_high"]).all()
    base = load(smoke, "metrics/dev/resnet50_bert_separate.json")
    assert first["resnet50_bert_separate"]["mAP"] == round(base["mAP"], 4)
    assert first["resnet50_bert_separate+tta"]["mAP"] != first["resnet50_bert_separate"]["mAP"]


def test_report(smoke):
    text = (smoke.folder / "reports/report.md").read_text()
    assert "synthetic" in text.splitlines()[0].lower() and "stand-in" in text.splitlines()[0].lower()
    assert len(text.split()) <= 2500
    reports = smoke.folder / "reports"
    linked = set()
    for page in [reports / "report.md", *(reports / "appendix").iterdir()]:
        assert not dead_links(page)
        links = re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8"))
        linked |= {(page.parent / link).resolve() for link in links}
    folders = (reports / name for name in ("figures", "numbers", "appendix"))
    assert {path for folder in folders for path in folder.iterdir()} < linked


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")
@pytest.mark.parametrize("width", [390, 1280])
def test_the_report_in_a_browser(smoke, tmp_path, width):
    seen = look(Path(shutil.copy(smoke.folder / "reports/report.html", tmp_path)), width, 844)
    assert seen["width"] == width and not seen["wide"] and not seen["requests"]
    assert seen["verdicts"] and max(seen["verdicts"]) <= 2 * 844


def test_contrasts_are_the_pairs_of_params(smoke):
    contrasts = load(smoke, "reports/contrasts.json")
    found = {(c["what"], *c["rows"]) for c in contrasts["table1"]}
    shared, separate = "resnet50_bert_shared", "resnet50_bert_separate"
    assert found == {("separate", separate, shared), ("TTA", f"{separate}+tta", separate)}
    verdicts = {c["verdict"] for c in contrasts["table1"] + contrasts["table2"]}
    assert verdicts == {"training noise not measured"}
    dev = table(smoke, "data/sets/dev.parquet")
    patients = {name: dev.loc[dev[name] == 1, "patient_id"].nunique() for name in CLASSES}
    judged = [name for name in CLASSES if patients[name] >= 5]
    assert 0 < len(judged) < len(CLASSES)  # the others bear no verdict, and the report names them
    text = (smoke.folder / "reports/report.md").read_text()
    assert all(f"{name} ({n})" in text for name, n in patients.items() if n < 5)
    ap = {v: load(smoke, f"metrics/dev/{v}.json")["classes"] for v in (shared, separate)}
    gap = sum(ap[separate][name]["AP"] - ap[shared][name]["AP"] for name in judged) / len(judged)
    assert contrasts["table1"][0]["difference"][0] == pytest.approx(gap, abs=5.1e-5)
    assert contrasts["table1"][0]["published"] == 0.0006
    assert {c["family"] for c in contrasts["table1"]} == {"primary"}
    assert [c["family"] for c in contrasts["table2"]][:4] == ["primary"] * 3 + ["exploratory"]


def test_every_contrast_is_planned(smoke):
    contrasts, planner = load(smoke, "reports/contrasts.json"), load(smoke, "reports/planner.json")
    for name, found in planner.items():
        assert [one["rows"] for one in found["contrasts"]] == [one["rows"] for one in contrasts[name]]
        for one, planned in zip(contrasts[name], found["contrasts"], strict=True):
            variance = one["parts"]["patients"] + one["parts"]["selection"]
            assert planned["std_error"] == pytest.approx(variance**0.5, abs=5.1e-5)
            assert planned["margin"]["seeds"] is None  # one seed: nothing is known of others
    effects = {one["design"]: one for one in load(smoke, "reports/effects.json")["effects"]}
    for key in ("difference", "verdict"):
        assert effects["separate"][key] == contrasts["table1"][0][key]
    assert effects["MixUp"]["verdict"] == "not estimable"


def test_every_row_has_its_provenance_and_every_table_says_that_the_data_are_synthetic(smoke):
    found = load(smoke, "reports/provenance.json")
    assert found["seeds"] == [0] and {"code", "torch"} <= set(found["report"])
    assert {"device", "kernels", "code", "when", "torch"} <= set(found["embeddings"]["pubmedbert"])
    for name in ("table1", "table2"):
        assert list(found[name]) == list(load(smoke, f"reports/{name}.json"))
        for row in found[name].values():
            assert {"params", "code", "data", "sets", "image_encoders", "text_encoders"} <= set(row)
            for variant in row["trainings"]:
                training = found["trainings"][variant]["0"]
                assert {"steps", "passes", "seconds", "device", "peak_memory_mib"} <= set(training)
                [computed] = training["environments"]
                assert {"device", "kernels", "code", "when", "torch", "timm"} <= set(computed)
    for name in ("table1", "table2"):
        assert "Synthetic demo" in (smoke.folder / f"reports/{name}.md").read_text().splitlines()[0]
    files = [*(smoke.folder / "reports").rglob("*.csv")]
    assert len(files) > 15
    for path in files:
        assert pd.read_csv(path)["note"].str.contains("Synthetic demo").all(), path


def numbers(content) -> int:
    return sum(map(numbers, content.values())) if isinstance(content, dict) else 1


def test_metrics_and_plots_are_tracked(smoke):
    shown = json.loads(smoke.run("dvc", "metrics", "show", "--json").stdout)[""]["data"]
    assert set(shown) == {f"reports/{name}.json" for name in ("table1", "table2", "table3", "summary")}
    assert numbers(shown) < 40  # they fit a screen: seven rows of Table 2, five of Table 1
    shown = smoke.run("dvc", "plots", "show", "--json")
    plots = json.loads(shown.stdout)["data"]
    drawn = {name for name in plots if not name.endswith(".png")}
    assert drawn == {
        *("training loss", "development mAP in training", "development mAP (Table 1)"),
        *("test mAP (Table 2)", "difference of mAP", "AP by class"),
    }
    titles = [plots[name][0]["content"]["title"] for name in drawn]
    assert all(title.endswith(". Smoke test") for title in titles)  # each says of which study it is
    assert "reports/figures/table1.png" in plots and "ERROR" not in shown.stderr


def test_the_plan_of_a_study_has_its_variants_and_what_they_take(smoke):
    done = smoke.run("python", "-m", "tools.plan", "--jobs", "2", "--device-memory", "0.1")
    assert done.returncode == 0, done.stderr
    sets = load(smoke, "data/summary.json")["sets"]
    own, more = (sets[name]["images"] for name in ("train_primary", "train_replenished"))
    images = dict(re.findall(r"^\| (\w+) \| (\d+) \|", done.stdout, flags=re.M))
    assert images == {name: str(more if "replenished" in name else own) for name in VARIANTS}
    assert "5 trainings: " in done.stdout and "in all about " in done.stdout
    assert "does not fit: memory: 1 at once need" in done.stdout


def test_second_run_does_nothing(smoke):
    """But look at the image files, and at the label space, which may be a file of any place."""
    assert smoke.repro() == []
    assert all(f"Running stage '{name}'" in smoke.said for name in ALWAYS)
