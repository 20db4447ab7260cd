"""Arrays that are missing, as real processes meet them: the smoke study's nih, drawn, read and packed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from cxrlt_core.packing import pack as packing
from cxrlt_core.packing import record
from cxrlt_core.packing.decode import decode
from cxrlt_core.packing.decoder import decoder
from cxrlt_core.params.schema import Params
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import read_parquet, write_parquet
from stages import code, harmonize, pack, settings, synthesize
from stages.artifacts.arrays import decoder_of, open_images
from stages.artifacts.code import ROOT, module_code
from stages.artifacts.parameters import load_params
from stages.artifacts.paths import array_path, watched_path
from stages.artifacts.sets import LabelledSet
from stages.artifacts.watched import look

ARRAY, INDEX = Path("data/arrays/nih-32-squash.npy"), Path("data/packed/nih.parquet")
AGAIN = f"{ARRAY}: no array, packing nih again\n"
ENDS = f"{ARRAY}: 44 images, 0 rejected\n"


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    """A folder in which nih is harmonized and its 44 images are drawn, but not packed."""
    folder = tmp_path_factory.mktemp("study")
    shutil.copy(ROOT / "profiles/smoke.yaml", folder / "params.yaml")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        code.main(load_params())
        settings.main(load_params())
        synthesize.main(load_params(), "nih")
        harmonize.main(load_params(), "nih")
        write_parquet(watched_path("nih"), look(load_params(), "nih"))
    return folder


@pytest.fixture
def params(study, tmp_path, monkeypatch) -> Params:
    """The parameters of a copy of the study, the current folder."""
    shutil.copytree(study, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return load_params()


@pytest.fixture
def packed(params) -> tuple[LabelledSet, Params]:
    """What opens a set of all images, the array and the images being gone."""
    pack.main(params, "nih")
    table = read_parquet(INDEX).assign(source="nih")
    write_parquet("data/sets/dev.parquet", table)
    shutil.copytree("data/arrays", "kept")
    shutil.rmtree("data/arrays")
    shutil.rmtree("data/raw/nih/images")
    return LabelledSet("dev", table, np.zeros((len(table), 0), np.int8), []), params


def kept() -> bytes:
    return (Path("kept") / ARRAY.name).read_bytes()


def files(folder: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def test_a_missing_or_another_array_is_made_again_even_without_its_images(packed, capfd):
    labels, index = files("data/raw/nih/labels"), INDEX.read_bytes()
    images = open_images(*packed)
    assert ARRAY.read_bytes() == kept() and len(images) == 44
    np.testing.assert_array_equal(images.gather(np.arange(44)).numpy()[:, 0], np.load(ARRAY))
    assert files("data/raw/nih/labels") == labels and INDEX.read_bytes() == index
    assert capfd.readouterr().out == (
        f"{AGAIN}data/arrays: no such folder yet, making it for packed images\n"
        f"data/raw/nih/images: absent, drawing the demo's images again\n{ENDS}"
    )
    open_images(*packed)
    assert capfd.readouterr().out == ""
    ARRAY.unlink()
    np.save(ARRAY, np.ones((3, 32, 32), np.uint8))  # of another experiment
    open_images(*packed)
    assert ARRAY.read_bytes() == kept()
    assert capfd.readouterr().out.startswith(f"{ARRAY}: another array, packing nih again\n")


def test_an_array_that_cannot_be_made_again_or_has_other_pixels_is_one_line(packed, capfd):
    watched_path("nih").rename("watched")
    with pytest.raises(StudyError, match=r"^pack@nih failed, for the reason above$"):
        open_images(*packed)
    assert capfd.readouterr().err == "error: data/watched/nih.parquet: no such file or folder\n"
    Path("watched").rename(watched_path("nih"))
    synthesize.main(load_params(), "nih")
    picture = next(Path("data/raw/nih/images").rglob("00000001_000.png"))
    PIL.Image.new("L", (32, 32), 9).save(picture)
    with pytest.raises(StudyError, match=r"not the array that its index describes.*pack@nih$"):
        open_images(*packed)


def test_a_store_that_another_decoder_packed_is_packed_anew(params, monkeypatch, capfd):
    """The index is of a fresh store, and image.store names an older one then."""
    older = params.model_copy(update={"image": params.image.model_copy(update={"store": "older"})})
    with monkeypatch.context() as patch:
        patch.setattr(record, "decoder", lambda: "code of before")
        patch.setattr(packing, "decode", lambda *of: 255 - decode(*of))
        pack.main(older, "nih")
    pack.main(params, "nih")
    index, right = INDEX.read_bytes(), ARRAY.read_bytes()
    assert Path("older", ARRAY.name).read_bytes() != right
    text = Path("params.yaml").read_text()
    Path("params.yaml").write_text(text.replace("store: data/arrays", "store: older"))
    settings.main(load_params())
    table = read_parquet(INDEX).assign(source="nih")
    data = LabelledSet("dev", table, np.zeros((len(table), 0), np.int8), [])
    capfd.readouterr()
    open_images(data, load_params())
    assert Path("older", ARRAY.name).read_bytes() == right and INDEX.read_bytes() == index
    assert "another array, packing nih again" in capfd.readouterr().out
    assert decoder_of(data, load_params().image) == decoder()


def test_a_full_store_needs_no_images(packed, capfd):
    shutil.copytree("kept", "data/arrays")
    pack.main(load_params(), "nih")
    assert not Path("data/raw/nih/images").exists() and ARRAY.read_bytes() == kept()
    assert capfd.readouterr().out == ENDS


OPEN = """
import numpy as np
from stages.artifacts import arrays
from stages.artifacts.parameters import load_params
from stages.artifacts.sets import LabelledSet
from cxrlt_core.system.files import read_parquet

data = LabelledSet("dev", read_parquet("data/sets/dev.parquet"), None, [])
print("sum", int(arrays.open_images(data, load_params()).gather(np.arange(44)).sum()))
"""


def together(*commands: list[str]) -> list[str]:
    """Run commands at once; return what each says."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    started = [subprocess.Popen([sys.executable, *command], text=True, **pipes) for command in commands]
    said = [process.communicate(timeout=120)[0] for process in started]
    assert [process.returncode for process in started] == [0] * len(commands), said
    return said


def test_of_two_that_miss_an_array_one_packs_and_both_read_it(packed):
    one, two = together(["-c", OPEN], ["-c", OPEN])
    total = f"sum {int(np.load(Path('kept') / ARRAY.name).astype(int).sum())}\n"
    assert one.endswith(total) and two.endswith(total) and ARRAY.read_bytes() == kept()
    # The images are drawn by whoever packs.
    assert (one + two).count("drawing the demo's images again") == 1
    assert AGAIN in one + two


def test_two_packing_at_once_leave_what_one_would(packed):
    index = INDEX.read_bytes()
    said = together(["-m", "stages.pack", "nih"], ["-m", "stages.pack", "nih"])
    assert "".join(said).count("drawing the demo's images again") == 1
    assert ARRAY.read_bytes() == kept() and INDEX.read_bytes() == index
    left = {ARRAY.name, f"{ARRAY.name}.lock", "nih-32-squash.record.parquet"}
    assert {path.name for path in ARRAY.parent.iterdir()} == left


def test_drawing_again_writes_into_no_file_that_is_there(params):
    image = params.image.model_copy(update={"size": 512, "fit": "pad", "store": "/store"})
    assert array_path(image, "my_source") == Path("/store/my_source-512-pad.npy")
    label = Path("data/raw/nih/labels/test_list.txt")
    os.link(label, "cache")  # as DVC may link it
    before = Path("cache").read_bytes()
    Path("cache").chmod(0o444)
    synthesize.main(params, "nih")
    assert label.read_bytes() == before == Path("cache").read_bytes()
    assert not label.samefile("cache") and not list(Path("data/raw/nih").glob(".*"))


def test_what_packs_is_not_part_of_what_opens_and_knows_no_design():
    packs = ("cxrlt_core/demo", "cxrlt_core/sources", "stages/pack")
    packs += ("cxrlt_core/packing/pack.py", "cxrlt_core/packing/decode.py")
    assert not [file for file in module_code("stages.artifacts.arrays") if file.startswith(packs)]
    others = ("cxrlt_core/designs", "cxrlt_core/losses", "cxrlt_core/study/variants")
    assert not [file for file in module_code("stages.pack") if file.startswith(others)]
