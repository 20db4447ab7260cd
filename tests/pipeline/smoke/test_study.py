"""The whole DAG on profiles/smoke.yaml: contracts between stages, and what an edit re-runs."""

import hashlib
import json
import os

import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image
from safetensors.numpy import load_file
from workspace import ALWAYS, Workspace

from cxrlt_core.labels import CLASSES

VARIANTS = ["resnet50_bert_shared", "resnet50_bert_separate", "densenet121_bert_reweighted"]
VARIANTS += ["resnet50_t5_contrast_mixup", "resnet50_t5_mixup_replenished"]
VARIED = ["code", "settings", "pixels"]  # look at every variant
ON_MAIN = ["densenet121_bert_reweighted", "resnet50_t5_mixup_replenished"]


def load(smoke, path):
    return json.loads((smoke.folder / path).read_text())


def table(smoke, path):
    return pq.read_table(smoke.folder / path).to_pandas()


def digest(smoke, *paths):
    return [hashlib.sha256((smoke.folder / path).read_bytes()).hexdigest() for path in paths]


def test_every_stage_runs_encoders_before_any_image_and_dvc_warns_of_nothing(smoke):
    per_item = {
        **dict.fromkeys(("train", "evaluate", "tta"), VARIANTS),
        **dict.fromkeys(("synthesize", "harmonize", "pack"), ("mimic", "nih", "chexpert")),
        **dict.fromkeys(("synthesize_text", "embed"), ("pubmedbert", "clinical_t5")),
        "encoder": ("resnet50", "densenet121"),
    }
    single = ("code", "settings", "pretrained", "split", "pixels", "describe")
    single += ("attention", "reweight", "ensemble", "report")
    expected = [f"{stage}@{item}" for stage, items in per_item.items() for item in items]
    assert sorted(smoke.first_run) == sorted([*expected, *single])
    ran = [name.split("@")[0] for name in smoke.first_run]
    assert not {"harmonize", "pack", "train"} & set(ran[: len(ran) - ran[::-1].index("encoder")])
    assert "is empty" not in smoke.first_words and "WARNING" not in smoke.first_words
    assert (smoke.folder / "dvc.lock").stat().st_size < 50_000


def test_where_the_model_looks(smoke):
    """On drawn images it is scored and shown; that an image is whose is not in the report."""
    found = load(smoke, "metrics/attention.json")
    assert found["variant"] == "resnet50_bert_separate" and len(found["classes"]) > 15
    assert found["grid"] == 1 and all(one["hits"] == one["chance"] == 1 for one in found["classes"].values())
    assert not {"No Finding", "Cardiomegaly"} & set(found["classes"])
    text = (smoke.folder / "reports/report.md").read_text()
    assert "## Where the model looks" in text and "(figures/attention.png)" in text
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
    linked = {part.split(")")[0] for part in text.split("](")[1:]} - {"#glossary"}
    assert text.count("](#glossary)") == text.count("\n## Glossary\n") == 1
    assert linked and all((smoke.folder / "reports" / path).is_file() for path in linked)
    folders = [smoke.folder / "reports" / name for name in ("figures", "numbers")]
    written = {f"{folder.name}/{path.name}" for folder in folders for path in folder.iterdir()}
    assert linked == written | {"data.md", "provenance.json"}


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
            assert planned["measured"]["seeds"] is None  # one seed: nothing is known of others
    effects = {one["design"]: one for one in load(smoke, "reports/effects.json")["effects"]}
    assert effects["separate"]["difference"] == contrasts["table1"][0]["difference"]
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
    assert set(shown) == {"reports/table1.json", "reports/table2.json", "reports/summary.json"}
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


def test_second_run_does_nothing(smoke):
    """But look at the image files."""
    assert smoke.repro() == []
    assert f"Running stage '{ALWAYS}'" in smoke.said


def test_an_image_file_that_changes_is_noticed(smoke):
    """One with another time is read again; one with other pixels trains what it is shown to."""
    sets = table(smoke, "data/sets/train_replenished.parquet")
    name = sets.loc[sets["source"] == "nih", "image_id"].iloc[0].partition("/")[2]
    (image,) = (smoke.folder / "data/raw/nih/images").rglob(name)
    before, status = image.read_bytes(), image.stat()
    os.utime(image, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert smoke.repro() == ["pack@nih"]
    with Image.open(image) as picture:
        picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(image)
    listed = smoke.run("python", "-m", "tools.due").stdout
    changed = "data.sources.nih.images: 1 files are new or have changed"
    assert listed.startswith(f"{changed}\ndue, at most: pack, split")
    assert smoke.repro("repro", "split") == ["pack@nih", "split"]
    due = json.loads(smoke.run("dvc", "status", "--json").stdout)
    assert {"train@resnet50_t5_mixup_replenished"} == {stage for stage in due if stage.startswith("train")}
    image.write_bytes(before)
    os.utime(image, ns=(status.st_atime_ns, status.st_mtime_ns))
    smoke.restore()


def test_training_again_gives_the_same_bytes(smoke):
    variants = ("resnet50_bert_separate", "resnet50_t5_mixup_replenished")
    names = ("0/model.safetensors", "0/config.json", "history.csv")
    files = [f"models/{variant}/{name}" for variant in variants for name in names]
    before, states = digest(smoke, *files), set((smoke.folder / "checkpoints").iterdir())
    for state in states:
        state.rename(smoke.folder / ".dvc/tmp" / state.name)  # a finished training would be restored
    smoke.repro("repro", "--force", "--single-item", *(f"train@{variant}" for variant in variants))
    again = set((smoke.folder / "checkpoints").glob("*.pt"))
    assert len(again) == len(variants) and again < states
    assert digest(smoke, *files) == before
    for state in states:
        (smoke.folder / ".dvc/tmp" / state.name).rename(state)
    smoke.restore()


def test_another_ratio_reruns_what_depends_on_it(smoke):
    before = load(smoke, "reports/table1.json")
    smoke.keep("resnet50_bert_separate", "densenet121_bert_reweighted", "resnet50_t5_contrast_mixup")
    ran = smoke.repro("exp", "run", "-S", "reweight.ratio=4")
    expected = [f"{stage}@densenet121_bert_reweighted" for stage in ("train", "evaluate", "tta")]
    assert sorted(ran) == sorted([*expected, *VARIED, "reweight", "ensemble", "report"])
    difference = smoke.run("dvc", "metrics", "diff").stdout.splitlines()
    assert any("densenet121_bert_reweighted" in line for line in difference) and len(difference) < 40
    after = load(smoke, "reports/table1.json")
    assert len(after) == 4
    assert {name for name in after if before[name] != after[name]} == {"densenet121_bert_reweighted+tta"}
    smoke.git("checkout", "--", ".")
    assert smoke.repro() == []  # what was there before is not computed again


def test_a_further_seed_trains_alone(smoke):
    """The models of seed 0 stay as they are, and are not trained again."""
    variant, reweighted = "resnet50_bert_separate", "densenet121_bert_reweighted"
    checkpoints = {p: p.stat().st_mtime_ns for p in (smoke.folder / "checkpoints").iterdir()}
    models = [f"models/{name}/0/model.safetensors" for name in (variant, reweighted)]
    before, rows = digest(smoke, *models), load(smoke, "reports/table1.json")
    smoke.keep(variant, reweighted)
    with smoke.params() as params:
        params["train"]["seeds"] = [0, 3]
    ran = smoke.repro()
    assert not {s for s in ran if s.split("@")[0] in ("harmonize", "pack", "split", "embed")}
    assert digest(smoke, *models) == before
    kept = {p: p.stat().st_mtime_ns for p in (smoke.folder / "checkpoints").iterdir()}
    assert set(checkpoints.items()) <= set(kept.items())
    assert sum(path.suffix == ".pt" for path in kept.keys() - checkpoints.keys()) == 2
    weights = load(smoke, "weights/main.json")
    assert weights["seeds"].keys() == {"0", "3"} and set(weights["weights"].values()) <= {1.0, 1.5, 2.0}
    metrics = load(smoke, f"metrics/dev/{variant}.json")
    assert metrics["mAP"] == pytest.approx(sum(s["mAP"] for s in metrics["seeds"].values()) / 2)
    assert metrics["seeds"]["0"]["mAP"] == pytest.approx(rows[variant]["mAP"], abs=5.1e-5)
    assert metrics["seeds"]["0"]["mAP"] != metrics["seeds"]["3"]["mAP"]
    after = load(smoke, "reports/table1.json")
    assert after[variant]["mAP"] == round(metrics["mAP"], 4)
    assert pd.read_csv(smoke.folder / "reports/table1.csv")["mAP_seed_sd"][0] > 0
    histories = pd.read_csv(smoke.folder / "reports/history.csv")
    assert set(histories["seed"]) == {0, 3} and set(histories["variant"]) == {variant, reweighted}
    other = table(smoke, f"predictions/tta/{variant}/3/dev.parquet")
    assert not other.equals(table(smoke, f"predictions/tta/{variant}/0/dev.parquet"))
    text = (smoke.folder / "reports/report.md").read_text()
    assert "with seeds 0, 3" in text and "training noise not measured" not in text
    smoke.restore()


def test_a_new_row_changes_no_number_of_the_others(smoke):
    """It is no member of an ensemble, and its contrasts are a family of their own."""
    before = {name: load(smoke, name) for name in ("reports/table2.json", "reports/contrasts.json")}
    fields = "image: densenet121, text: pubmedbert, separate: true, loss: bce, weights: uniform"
    smoke.add_entry("variants", f"new: {{{fields}, data: primary, init: none}}")
    smoke.add_entry("table1", "- {variant: new, tta: true}")
    ran = smoke.repro()
    assert sorted(ran) == sorted([*VARIED, "train@new", "evaluate@new", "tta@new", "ensemble", "report"])
    assert "new+tta" in load(smoke, "reports/table1.json")
    assert load(smoke, "reports/table2.json") == before["reports/table2.json"]
    families = {"primary": [], "exploratory": []}
    for one in load(smoke, "reports/contrasts.json")["table1"]:
        families[one["family"]].append(one)
    assert families["primary"] == before["reports/contrasts.json"]["table1"]
    assert families["exploratory"] and all("new+tta" in one["rows"] for one in families["exploratory"])
    smoke.restore()


def test_recipes_and_starts_train_what_has_them(smoke):
    """A variant of another size, one that starts from it with designs of its own; their neighbour stays."""
    smoke.keep("resnet50_bert_separate")
    names = ("image", "text", "loss", "weights", "data")
    plain = dict(zip(names, ("resnet50", "pubmedbert", "bce", "uniform", "primary"), strict=True))
    with smoke.params() as params:
        params["recipes"] = {"large": {"image": {"size": 48, "fit": "pad"}, "train": {"batch_size": 16}}}
        designs = {"csra": {"residual": 0.1, "temperature": 1}, "repeat_factor": 0.2, "freeze": "encoder"}
        params["variants"] |= {
            "large": {**plain, "separate": True, "init": "none", "recipe": "large"},
            "started": {**plain, "init": "large", **designs},
        }
        params["table1"] += [{"variant": name, "tta": False} for name in ("large", "started")]
        params["ensemble"]["members"] += ["large", "started"]
    ran = smoke.repro()
    assert items(ran, "train") == items(ran, "tta") == ["large", "started"]
    assert ran.index("train@large") < ran.index("train@started")
    assert items(ran, "pack") == ["chexpert", "mimic", "nih"] and not items(ran, "embed")
    assert load(smoke, "models/large/0/config.json")["image_size"] == 48
    assert load(smoke, "models/started/0/config.json")["designs"].keys() == {"csra"}
    assert "starts from large but for new layers: head" in smoke.said
    weights = (smoke.folder / f"models/{name}/0/model.safetensors" for name in ("large", "started"))
    large, started = map(load_file, weights)
    encoder = [name for name in large if name.startswith("encoder.")]
    assert encoder and all((large[name] == started[name]).all() for name in encoder)
    columns = pd.read_csv(smoke.folder / "reports/table1.csv")
    usual = "32, 32, squash"  # of two rows of the neighbour, and of the last
    assert columns["batch_size + size + fit"].tolist() == [usual, usual, "16, 48, pad", usual]
    with smoke.params() as params:
        params["recipes"]["large"]["train"]["learning_rate"] = 0.001
    assert items(smoke.repro(), "train") == ["large", "started"]
    done = smoke.run("python", "-m", "tools.verify")
    assert done.returncode == 0 and "mimic-48-pad.npy" in done.stdout, done.stderr
    smoke.restore()


NEW = "resnet50_bert_plain_mixup"


@pytest.fixture(scope="module")
def edited(smoke):
    """Three edits at once: a new variant with a row, another uncertain policy of CheXpert, scores by study.

    Each re-runs what the others leave alone. Gives what ran, and Table 1 before and after.
    """
    before = load(smoke, "reports/table1.json")
    smoke.keep("resnet50_bert_separate", "resnet50_t5_contrast_mixup", "resnet50_t5_mixup_replenished")
    with smoke.params() as params:
        params["variants"][NEW] = params["variants"]["resnet50_bert_separate"] | {"mixup": True}
        params["table1"].append({"variant": NEW, "tta": True})
        params["data"]["sources"]["chexpert"]["uncertain"] = "one"
        params["study"]["aggregate"] = "view_weighted"
    ran = smoke.repro()
    return ran, before, load(smoke, "reports/table1.json")


def items(ran, stage):
    return sorted(name.split("@")[1] for name in ran if name.startswith(f"{stage}@"))


def test_each_edit_reruns_what_depends_on_it(edited):
    ran, before, after = edited
    # a new row trains what is new
    replenished = "resnet50_t5_mixup_replenished"
    assert items(ran, "train") == items(ran, "tta") == [NEW, replenished] and f"{NEW}+tta" in after
    # an uncertain policy re-runs replenished variants only
    assert items(ran, "harmonize") == ["chexpert"] and not items(ran, "pack")
    assert {"split", "describe"} <= set(ran) and not items(ran, "embed")
    # scoring by study evaluates all anew, trains nothing and predicts nothing with TTA
    kept = ["resnet50_bert_separate", "resnet50_t5_contrast_mixup"]
    assert items(ran, "evaluate") == sorted([*kept, NEW, replenished])
    assert {"settings", "reweight", "ensemble", "report"} <= set(ran)
    assert all(before[name]["mAP"] != after[name]["mAP"] for name in before.keys() & after.keys())


def test_a_clone_without_what_was_removed_is_up_to_date(smoke, edited, tmp_path):
    """The edits are taken back: nothing of the removed variant changes what DVC sees, here or in a clone."""
    smoke.git("checkout", "--quiet", "--", ".")
    # a picture and a fingerprint that the study of before had not
    smoke.git("clean", "--quiet", "-d", "--force", "reports", "fingerprints")
    assert (smoke.folder / "models" / NEW).exists()
    assert smoke.run("python", "-m", "tools.recover").returncode == 0
    assert smoke.repro() == []
    assert not [path for path in smoke.folder.rglob(f"{NEW}*") if ".dvc" not in path.parts]
    smoke.git("clone", "--quiet", ".", str(tmp_path / "clone"))
    clone = Workspace(tmp_path / "clone")
    clone.repro("cache", "dir", "--local", str(smoke.folder / ".dvc/cache"))
    clone.repro("checkout", "--quiet")
    assert json.loads(clone.run("dvc", "status", "--json").stdout) == {ALWAYS: ["always changed"]}
    assert clone.repro() == []  # image files are not there, so none has changed
