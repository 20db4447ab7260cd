"""Real chest X-rays through the first stages; skipped where they are not at hand."""

import re

import pytest
from workspace import ROOT

from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.system.files import read_json, read_parquet

NIH = ROOT.parent / "shared" / "real" / "nih"
POSITIVES = {
    "Atelectasis": 59, "Cardiomegaly": 36, "Pleural Effusion": 53, "Infiltration": 79, "Mass": 46,
    "Nodule": 57, "Pneumonia": 21, "Pneumothorax": 28, "Consolidation": 52, "Edema": 12, "Emphysema": 26,
    "Fibrosis": 36, "Pleural Thickening": 44, "Hernia": 13, "No Finding": 65,
}  # fmt: skip


@pytest.mark.skipif(not NIH.is_dir(), reason="no real images beside the repository")
def test_the_nih_profile_reads_packs_and_splits_real_images(fresh):
    text = (ROOT / "profiles/nih.yaml").read_text().replace("size: 224", "size: 64")
    text = re.sub("data/local/nih/(labels|images)", str(NIH), text)
    (fresh.folder / "params.yaml").write_text(text)
    ran = fresh.repro("repro", "split")
    assert ran == ["code", "harmonize@nih", "pack@nih", "split"]
    labels = read_parquet(fresh.folder / "data/labels/nih.parquet")
    assert {c: int((labels[c] == 1).sum()) for c in CLASSES if (labels[c] == 1).any()} == POSITIVES
    assert read_parquet(fresh.folder / "data/packed/nih.parquet")["reason"].isna().all()
    summary = read_json(fresh.folder / "data/summary.json")
    assert summary["classes"] == [c for c in CLASSES if c in POSITIVES]
    for name in ("train_primary", "dev", "test"):
        assert all(c["positive"] for c in summary["sets"][name]["classes"].values()), name
