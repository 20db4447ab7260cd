"""docs/your-labels.md does what it says: a study of five labels from a table of one's own, up to its sets."""

import re

import numpy as np
import pytest
import yaml
from PIL import Image

from cxrlt_core.study.parse import parse_params
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import read_json, read_parquet, write_json
from stages import describe, embed, harmonize, pack, split, watch
from stages.artifacts.models import read_embeddings
from stages.artifacts.sets import read_set
from stages.artifacts.settings import settings_files
from tests.architecture import ROOT
from tests.bad_input.params import SMOKE
from tools.due import other_label_space

PAGE = (ROOT / "docs/your-labels.md").read_text()
SPACE, ENTRY, RELATIONS = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
[TABLE] = re.findall(r"```csv\n(.*?)```", PAGE, flags=re.DOTALL)
CLASSES = ["Big heart", "Wet lung", "Air outside the lung", "Broken rib", "Nothing"]
PATIENTS = 60


def study(**data):
    """The smoke study with the page's entry in place of its data."""
    primary = {name: {**variant, "data": "primary"} for name, variant in SMOKE["variants"].items()}
    entry = yaml.safe_load(ENTRY)["data"]
    content = {**SMOKE, "variants": primary, "table2": SMOKE["table2"][:1]}
    content["data"] = {**SMOKE["data"], **entry, **data}
    content["demo"] = {**SMOKE["demo"], "sources": []}
    return parse_params({**content, "image": {**SMOKE["image"], "size": 16}})


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The page's files, with more rows of the same header, and an image each."""
    monkeypatch.chdir(tmp_path)
    images = tmp_path / "data/local/mine/images/2024"
    images.mkdir(parents=True)
    (tmp_path / "data/local/mine.yaml").write_text(SPACE)
    generator, rows = np.random.default_rng(0), TABLE.splitlines()
    for number in range(4, 2 * PATIENTS + 4):
        labels = (generator.random(4) < 0.3).astype(int)
        marks = ",".join(map(str, [*labels[:3], labels[3] or "", int(not labels.any())]))
        rows.append(f"2024/{number:04d}.png,Q-{number // 2},1,PA,,{marks}")
    (tmp_path / "data/local/mine/labels.csv").write_text("\n".join([*rows, ""]))
    for row in rows[1:]:
        pixels = generator.integers(0, 255, (20, 18), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "data/local/mine/images" / row.split(",")[0])
    for name in ("data/settings/synthesize.json", "fingerprints/synthesize.json"):
        write_json(tmp_path / name, {})
    return tmp_path


def test_five_labels_of_ones_own_are_read_packed_cut_and_described(folder, capsys):
    params = study(groups={"head": 0.2, "tail": 0.1})
    harmonize.main(params, "mine")
    watch.main(params)
    pack.main(params, "mine")
    split.main(params)
    describe.main(params)
    table = read_parquet("data/labels/mine.parquet")
    assert list(table.columns[6:]) == CLASSES and len(table) == 2 * PATIENTS + 3
    assert table[CLASSES].head(3).to_numpy().tolist() == [[1, 0, 0, -1, 0], [1, 0, 0, -1, 0], [0, 0, 0, 0, 1]]
    first = ["mine/2024/0001.png", "mine/p-17", "mine/p-17/1", "PA", "2024/0001.png"]
    assert table.iloc[0, :5].tolist() == first and table["split"].isna().all()
    assert read_json("data/summary.json")["classes"] == CLASSES
    sets = [read_set(name) for name in ("train_primary", "dev", "test")]
    assert sum(len(data.table) for data in sets) == len(table)
    assert all(data.classes == CLASSES for data in sets)
    page = (folder / "reports/data.md").read_text()
    assert "| Big heart | head | " in page and "Not known to `mine`, so unknown throughout: none." in page
    assert "left out" not in capsys.readouterr().out


def test_a_column_and_a_class_that_the_other_side_does_not_know_are_a_line_each(folder, capsys):
    path = folder / "data/local/mine/labels.csv"
    path.write_text(path.read_text().replace("Broken rib", "bone age", 1))
    harmonize.main(study(), "mine")
    said = capsys.readouterr().out
    assert "mine: labels of no class, left out: bone age\n" in said
    assert "mine: classes that it does not know, so unknown: Broken rib\n" in said
    assert (read_parquet("data/labels/mine.parquet")["Broken rib"] == -1).all()


def test_the_list_is_part_of_what_uses_it_and_of_nothing_else(folder):
    def settings():
        return {name: str(content) for name, content in settings_files(study()).items()}

    before = settings()
    (folder / "data/local/mine.yaml").write_text(SPACE + RELATIONS)
    related = settings()
    changed = {name for name in before if before[name] != related[name]}
    assert changed == {"params", "labels/mine"}
    (folder / "data/local/mine.yaml").write_text(SPACE.replace("Nothing", "None of it"))
    renamed = settings()
    assert {name for name in before if before[name] != renamed[name]} == changed | {
        *("attention", "text/pubmedbert", "text/clinical_t5")  # of which nothing is to be seen, by its name
    }


def test_a_list_that_has_changed_is_due(folder):
    params = study()
    assert not other_label_space(params)  # nothing has run yet
    write_json("data/settings/params.json", params.model_dump(mode="json"))
    assert not other_label_space(params)
    (folder / "data/local/mine.yaml").write_text(SPACE + RELATIONS)
    assert other_label_space(study())


def test_embeddings_are_found_by_name(folder, monkeypatch):
    vectors = np.arange(10, dtype=np.float32).reshape(5, 2)
    origin = {"commit": None, "file": "f", "sha256": "0", "tensors": 1, "unused": []}
    monkeypatch.setattr(embed, "embed_labels", lambda labels, *_, key: (vectors, origin))
    monkeypatch.setattr(embed, "origin_text", str)
    embed.main(study(), "pubmedbert")
    np.testing.assert_array_equal(read_embeddings("pubmedbert", CLASSES[::-1]), vectors[::-1])
    with pytest.raises(StudyError, match=r"^data/text/pubmedbert\.safetensors: no embedding of 'Mass'; run"):
        read_embeddings("pubmedbert", ["Mass"])
