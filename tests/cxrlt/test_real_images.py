"""Real chest X-rays through the command; skipped where they are not at hand."""

from pathlib import Path

import pandas as pd
import pytest
from served import write_model

from cxrlt.__main__ import main

IMAGES = Path(__file__).parents[3] / "shared/real/nih/images"


@pytest.mark.skipif(not IMAGES.is_dir(), reason="no real images beside the repository")
def test_every_real_image_is_read(tmp_path):
    write_model(tmp_path / "model", image_fit="pad")
    names = sorted(path.name for path in IMAGES.iterdir())[:40]
    words = ["predict", *(str(IMAGES / name) for name in names), "--model", str(tmp_path / "model")]
    assert main([*words, "--out", str(tmp_path / "o.csv"), "--device", "cpu", "--threads", "1"]) == 0
    table = pd.read_csv(tmp_path / "o.csv")
    assert [Path(path).name for path in table["image"][::26]] == names
    assert table["probability"].between(0, 1, inclusive="neither").all()
    assert table.groupby("finding")["probability"].std().max() > 1e-3
