"""The command that fetches the study's hub models; offline, so from a cache that a test has made."""

import pytest
from hub_cache import COMMIT, OTHER, write_snapshot

from cxrlt_core.params.schema import Params
from cxrlt_core.study.parse import parse_params
from cxrlt_core.system.errors import StudyError
from tests.bad_input.params import with_changes
from tools.fetch import main


@pytest.fixture
def study(tmp_path, monkeypatch) -> Params:
    """The smoke study with two text encoders of the hub, of which one is pinned."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "home/hub"))
    monkeypatch.setattr(constants, "HF_HOME", str(tmp_path / "home"))
    for commit, weights in ((COMMIT, "flax_model.msgpack"), (OTHER, "pytorch_model.bin")):
        (tmp_path / commit).mkdir()
        for file in ("config.json", weights):
            (tmp_path / commit / file).write_text(file)
        write_snapshot(
            tmp_path / "home/hub", "org/t5", tmp_path / commit, commit, "main" if commit == COMMIT else None
        )
    revisions = {"pubmedbert": None, "clinical_t5": OTHER}
    changes = {f"text_encoders.{name}.revision": revision for name, revision in revisions.items()}
    changes |= {f"text_encoders.{name}.model": "org/t5" for name in revisions}
    return parse_params(with_changes(changes))


def test_every_hub_model_is_told_with_its_commit_or_refused_in_a_line(study, tmp_path, capsys):
    main(study)
    first, second, *advice = capsys.readouterr().out.splitlines()
    assert first == f"text_encoders.pubmedbert: org/t5: commit {COMMIT}, flax_model.msgpack"
    assert second == f"text_encoders.clinical_t5: org/t5: commit {OTHER}, pytorch_model.bin"
    assert f"HF_HOME={tmp_path}/home and HF_HUB_OFFLINE=1" in advice[0]
    study.text_encoders["clinical_t5"] = study.text_encoders["clinical_t5"].model_copy(
        update={"model": "org/none"}
    )
    line = r"^text_encoders\.clinical_t5\.model: cannot fetch 'org/none': .*cach"
    with pytest.raises(StudyError, match=line):
        main(study)
