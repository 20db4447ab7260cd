"""The example in docs/add-a-source.md works as it stands."""

import re
from pathlib import Path
from types import ModuleType

from label_files import write

from cxrlt_core.sources import Options

PAGE = Path(__file__).parents[3] / "docs/add-a-source.md"


def test_the_documented_reader_reads(tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    reader = ModuleType("hospital")
    exec(code, reader.__dict__)
    rows = ["2024/a.png,7,s1,PA,1,0,", "2024/b.dcm,8,s2,LATERAL,-1,,0"]
    path = write(tmp_path / "labels.csv", "file,patient,accession,view,effusion,ptx,hernia", *rows)
    found = reader.read(path, Options(uncertain={"default": "one"}))
    assert found.table["image_id"].tolist() == ["hospital/2024/a.png", "hospital/2024/b.dcm"]
    assert found.table["Pleural Effusion"].tolist() == [1, 1]
    assert found.table["Pneumothorax"].tolist() == [0, -1]
    assert found.table["Hernia"].tolist() == [-1, 0]
    assert (found.table["Mass"] == -1).all()
    assert found.known == ("Hernia", "Pleural Effusion", "Pneumothorax")
