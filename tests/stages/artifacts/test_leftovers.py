from types import SimpleNamespace

from settings import usual

from cxrlt_core.designs.reweight import Reweight, Reweighting
from stages.artifacts.leftovers import _remove_others, remove_leftovers


def test_what_is_named_stays_and_the_rest_goes_but_not_what_a_link_points_to(tmp_path):
    folder = tmp_path / "folder"
    (folder / "c/0").mkdir(parents=True)
    (folder / "a").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (folder / "gone").symlink_to(tmp_path / "elsewhere")
    for name in ("a.json", "a.csv", "b.json", ".gitignore"):
        (folder / name).write_text("x")
    _remove_others(folder, {"a": 1})
    assert {path.name for path in folder.iterdir()} == {"a.json", "a.csv", "a", ".gitignore"}
    assert (tmp_path / "elsewhere").is_dir()
    _remove_others(tmp_path / "absent", ["a"])


def test_folders_are_cleared_by_the_entries_that_they_hold(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    more = {"mild": usual(Reweighting)}
    params = SimpleNamespace(
        data=SimpleNamespace(sources={"nih": 1}, external={"vindr": 1}),
        variants={"plain": 1}, reweight=usual(Reweight, more=more),
        image_encoders={"resnet50": 1}, text_encoders={"bert": 1}, zero_shot={},
    )  # fmt: skip
    kept = ["data/labels/nih.json", "data/text/bert.safetensors", "data/encoders/resnet50.json"]
    kept += ["models/plain/0/x", "weights/uniform.json", "weights/mild.json"]
    kept += ["data/external/vindr/set.parquet", "metrics/external/vindr.json"]
    gone = ["metrics/external/old.json", "predictions/external/old/models/x", "data/external/old/set.parquet"]
    gone += ["data/labels/old.json", "data/text/old.safetensors", "data/encoders/old.json"]
    gone += ["models/old/0/x", "weights/old.json", "predictions/tta/old/0/dev.parquet"]
    for name in [*kept, *gone]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    remove_leftovers(params, "models")
    assert not (tmp_path / "models/old").exists() and (tmp_path / "weights/old.json").exists()
    remove_leftovers(params)
    assert {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()} == set(kept)
