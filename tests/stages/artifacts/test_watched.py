import os
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from settings import usual

from cxrlt_core.designs.reweight import Reweight
from cxrlt_core.system.files import write_parquet
from stages import watch
from stages.artifacts.paths import watched_path
from stages.artifacts.watched import last_look, look
from tools import due
from tools.due import changed_images, other_decoder

IDS = [f"nih/{name}.png" for name in "abcd"]


@pytest.fixture
def params(tmp_path, monkeypatch):
    """Four images of one source, the last of which has no file; nobody has looked yet."""
    monkeypatch.chdir(tmp_path)
    Path("raw").mkdir()
    for size, name in enumerate("abc"):
        Path(f"raw/{name}.png").write_bytes(bytes(size))
        os.utime(f"raw/{name}.png", ns=(1, 1))
    label(IDS)
    sources = {"nih": SimpleNamespace(images="raw", reader="nih")}
    empty = {"variants": {}, "reweight": usual(Reweight), "image_encoders": {}, "text_encoders": {}}
    demo = SimpleNamespace(sources=[])
    return SimpleNamespace(data=SimpleNamespace(sources=sources), demo=demo, **empty)


def label(ids):
    table = {"image_id": ids, "path": [name.partition("/")[2] for name in ids], "Edema": 0}
    write_parquet("data/labels/nih.parquet", pd.DataFrame(table))


def stamps(params):
    """Run the stage and return the stamps that it wrote."""
    watch.main(params)
    return {name: stamp if isinstance(stamp, str) else None for name, _, stamp in last_look("nih").to_numpy()}


def test_the_stage_lists_images_in_the_order_of_their_labels(params):
    assert last_look("nih").empty and changed_images(params) == {}
    assert look(params, "nih")["stamp"].tolist()[:3] == ["0:1", "1:1", "2:1"]
    assert stamps(params) == dict(zip(IDS, ["0:1", "1:1", "2:1", None], strict=True))
    before = watched_path("nih").read_bytes()
    watch.main(params)
    assert watched_path("nih").read_bytes() == before  # DVC compares bytes
    assert last_look("nih").columns.tolist() == ["image_id", "path", "stamp"]
    label(IDS[::-1])
    watch.main(params)
    assert last_look("nih")["image_id"].tolist() == IDS[::-1]


def test_another_decoder_changes_the_list_for_dvc_and_is_due(params, monkeypatch):
    assert other_decoder(params) == []
    watch.main(params)
    before = watched_path("nih").read_bytes()
    assert other_decoder(params) == []
    for module in (watch, due):
        monkeypatch.setattr(module, "decoder", lambda: "another")
    assert other_decoder(params) == ["nih"] and changed_images(params) == {}
    watch.main(params)
    assert watched_path("nih").read_bytes() != before and other_decoder(params) == []


def test_time_size_and_a_new_file_are_noticed(params):
    before = stamps(params)
    os.utime("raw/a.png", ns=(1, 2))
    Path("raw/b.png").write_bytes(b"123")
    os.utime("raw/b.png", ns=(1, 1))
    Path("raw/d.png").write_bytes(b"")
    os.utime("raw/d.png", ns=(1, 1))
    assert changed_images(params) == {"nih": 3}
    assert stamps(params) == before | {"nih/a.png": "0:2", "nih/b.png": "3:1", "nih/d.png": "0:1"}
    assert changed_images(params) == {}


def test_a_file_that_is_not_there_keeps_its_stamp(params):
    before = stamps(params)
    Path("raw/a.png").unlink()
    assert stamps(params) == before and changed_images(params) == {}
    for path in Path("raw").iterdir():
        path.unlink()
    Path("raw").rmdir()  # as in a clone
    assert stamps(params) == before
    label([*IDS, "nih/e.png"])
    assert stamps(params) == before | {"nih/e.png": None}
