import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cxrlt_core.packing import packed_array
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import write_parquet
from stages import pack
from tools import verify

ARRAY = Path("arrays/nih-16-squash.npy")


@pytest.fixture
def params(tmp_path, monkeypatch):
    """Eight packed images of one source, in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(packed_array, "SAMPLE_ROWS", 2)  # so that most rows are outside the sample
    names = [f"{number}.png" for number in range(8)]
    Path("raw").mkdir()
    for seed, name in enumerate(names):
        Image.fromarray(np.random.default_rng(seed).integers(0, 256, (20, 20), np.uint8)).save(f"raw/{name}")
    labels = {"image_id": [f"nih/{name}" for name in names], "path": names}
    for folder in ("labels", "watched"):
        write_parquet(f"data/{folder}/nih.parquet", pd.DataFrame(labels))
    image = SimpleNamespace(size=16, fit="squash", store="arrays", max_rejects=0)
    sources = {
        "nih": SimpleNamespace(images="raw", reader="nih"),
        "mimic": SimpleNamespace(images="none", reader="mimic"),
    }
    params = SimpleNamespace(
        image=image,
        data=SimpleNamespace(sources=sources, external={}),
        demo=SimpleNamespace(sources=[]),
        variants={},
    )
    pack.main(params, "nih")
    return params


def test_what_is_whole_passes_and_an_absent_array_is_a_line(params, capsys):
    verify.main(params)
    assert capsys.readouterr().out.startswith(f"{ARRAY}: 8 rows compared in 0 s, 0 images have no file")
    Path("raw/3.png").unlink()  # may go once it is packed
    verify.main(params)
    assert "1 images have no file" in capsys.readouterr().out
    ARRAY.unlink()
    with pytest.raises(StudyError, match=r"squash\.npy: no such file, pack it again: dvc repro --force"):
        verify.main(params)


def test_a_changed_row_and_a_changed_file_are_found_and_packed_again(params):
    pixels = np.lib.format.open_memmap(ARRAY, mode="r+")
    pixels[4, 0, 0] ^= 1
    pixels.flush()
    status = os.stat("raw/6.png")
    os.utime("raw/6.png", ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    with pytest.raises(StudyError) as caught:
        verify.main(params)
    remedy = "pack them again: dvc repro"
    assert str(caught.value).splitlines() == [
        f"{ARRAY}: 1 rows are not what was packed, the first is 4; {remedy} --force pack@nih",
        f"{ARRAY}: 1 image files changed since they were packed, the first is nih/6.png; {remedy}",
    ]
    pack.main(params, "nih")
    verify.main(params)


def test_a_changed_file_of_an_external_set_is_found_and_the_line_names_its_stage(params):
    params.data.external["gold"] = SimpleNamespace(images="raw", reader="nih")
    images = pd.DataFrame({"image_id": ["gold/1.png", "gold/2.png"], "path": ["1.png", "2.png"]})
    index = pack.pack(params, "gold", params.image, images)
    write_parquet("data/external/gold/set.parquet", images.merge(index, on="image_id"))
    verify.main(params)
    os.utime("raw/2.png", ns=(1, 1))
    with pytest.raises(StudyError, match=r"is gold/2\.png; .* dvc repro --force external_images@gold$"):
        params.data.sources.clear()
        verify.main(params)
