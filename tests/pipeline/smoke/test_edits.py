"""What an edit of the finished smoke study runs again, and what it leaves alone."""

import json
import os

import pandas as pd
import pytest
from PIL import Image
from safetensors.numpy import load_file
from workspace import ALWAYS, Workspace, digest, load, table

VARIED = ["code", "pixels"]  # look at every variant


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


def test_a_new_row_and_an_external_set_change_no_number_of_the_others(smoke):
    """The row is no member, and its contrasts are a family of their own; the set is the own test set."""
    before = {name: load(smoke, name) for name in ("reports/table2.json", "reports/contrasts.json")}
    fields = "image: densenet121, text: pubmedbert, separate: true, loss: bce, weights: uniform"
    smoke.add_entry("variants", f"new: {{{fields}, data: primary, init: none}}")
    smoke.add_entry("table1", "- {variant: new, tta: true}")
    with smoke.params() as params:
        again = {"reader": "mimic", "split": "test", "hospital": "mimic", "human": False}
        params["data"]["external"] = {"again": {**params["data"]["sources"]["mimic"], **again}}
    ran = smoke.repro()
    expected = [*VARIED, "train@new", "evaluate@new", "tta@new", "ensemble", "report"]
    of_set = [f"{stage}@again" for stage in ("external_images", "external", "external_attention")]
    assert sorted(ran) == sorted([*expected, *of_set])
    assert "new+tta" in load(smoke, "reports/table1.json")
    assert load(smoke, "reports/table2.json") == before["reports/table2.json"]
    families = {"primary": [], "exploratory": []}
    for one in load(smoke, "reports/contrasts.json")["table1"]:
        families[one["family"]].append(one)
    assert families["primary"] == before["reports/contrasts.json"]["table1"]
    assert families["exploratory"] and all("new+tta" in one["rows"] for one in families["exploratory"])
    found = load(smoke, "metrics/external/again.json")
    assert found["own"] and found["images"] == len(table(smoke, "data/sets/test.parquet"))
    rows = load(smoke, "reports/table3.json")["again"]
    assert rows.keys() == found["ensembles"].keys() == before["reports/table2.json"].keys()
    for name, row in found["ensembles"].items():
        numbers = row["means"]["exact"]
        assert numbers["AUROC_drop"][0] == numbers["AP_drop"][0] == 0 and numbers["own_AP"] > 0
        assert rows[name]["AUROC"] == numbers["AUROC"][0]
        own = table(smoke, f"predictions/ensemble/{name}/0.parquet")
        other = table(smoke, f"predictions/external/again/ensembles/{name}/0.parquet")
        assert own.equals(other)  # members and weights are those that were chosen
    assert "new" in found["variants"] and "## Table 3" in (smoke.folder / "reports/report.md").read_text()
    smoke.restore()
    assert not (smoke.folder / "metrics/external/again.json").exists()


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
    assert items(smoke.repro("repro", "train@started"), "train") == ["large", "started"]
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
    assert {"reweight", "ensemble", "report"} <= set(ran)
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
    assert json.loads(clone.run("dvc", "status", "--json").stdout) == {
        name: ["always changed"] for name in ALWAYS
    }
    assert clone.repro() == []  # image files are not there, so none has changed
