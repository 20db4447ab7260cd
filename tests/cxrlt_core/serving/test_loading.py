import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from served import write_images, write_model, write_pair

import cxrlt_core
from cxrlt_core import load_model
from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.metrics.calibration import Calibration
from cxrlt_core.model.folder import model_marks
from cxrlt_core.serving.loading import write_portable
from cxrlt_core.system.errors import StudyError


@pytest.fixture
def study(tmp_path):
    write_pair(tmp_path)
    return tmp_path


def change(folder, **changes):
    path = folder / "ensembles/both/0/ensemble.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_member_that_is_another_is_refused(study):
    write_model(study / "models/two/0", seed=7)
    text = r"ensemble\.json: .*models/two/0 is not the model that was chosen; expected dvc repro ensemble"
    with pytest.raises(StudyError, match=text):
        load_model(study / "ensembles/both/0", "cpu")


def test_a_member_without_weight_is_not_needed(study):
    change(study, weights={name: [0.0, 1.0] for name in CLASSES})
    shutil.rmtree(study / "models/one")
    ensemble, paths = load_model(study / "ensembles/both/0", "cpu"), write_images(study / "images")
    assert len(ensemble.members) == 1
    alone = load_model(study / "models/two/0", "cpu").predict(paths).probabilities
    np.testing.assert_array_equal(ensemble.predict(paths).probabilities, alone)


def test_members_know_the_same_classes(study):
    write_model(study / "models/two/0", classes=["a", "b"])
    members = json.loads((study / "ensembles/both/0/ensemble.json").read_text())["members"]
    members[1]["sha256"] = model_marks(study / "models/two/0")
    change(study, members=members)
    with pytest.raises(StudyError, match="members differ in classes"):
        load_model(study / "ensembles/both/0", "cpu")


def test_a_folder_that_was_changed_by_hand_is_one_line(study):
    for changes in ({"tta": {"views": "many"}}, {"weights": {"Hernia": [1, 0]}}, {"calibration": {}}):
        change(study, **changes)
        with pytest.raises(StudyError, match=r"both/0: not as it was written: .+"):
            load_model(study / "ensembles/both/0", "cpu")
    (study / "models/one/0/calibration.json").write_text("[1]")
    with pytest.raises(StudyError, match=r"one/0: not as it was written: .+"):
        load_model(study / "models/one/0", "cpu")


def test_what_is_no_model_is_one_line(study, tmp_path):
    with pytest.raises(StudyError, match="nothing: no such file or folder"):
        load_model(tmp_path / "nothing")
    with pytest.raises(StudyError, match=r"models: no model, expected config\.json .* or ensemble\.json"):
        load_model(study / "models")
    (study / "ensembles/both/0/ensemble.json").write_text("{}")
    with pytest.raises(StudyError, match=r"ensemble\.json: not an ensemble: 'members'; expected classes, "):
        load_model(study / "ensembles/both/0")


def test_a_portable_model_has_its_thresholds(study, tmp_path_factory):
    out, limits = tmp_path_factory.mktemp("elsewhere"), np.linspace(0, 1, 26)
    limits[3] = np.nan
    write_portable(study / "models/one/0", Calibration(limits, 1.5), out)
    calibration = load_model(out, "cpu").calibration
    np.testing.assert_array_equal(calibration.thresholds, limits)
    assert calibration.temperature == 1.5
    assert not load_model(study / "models/one/0", "cpu").calibration.known


def test_importing_the_library_loads_nothing_heavy_and_offers_nothing_unknown():
    with pytest.raises(AttributeError, match="has no attribute 'train'"):
        cxrlt_core.train  # noqa: B018
    program = "import sys, cxrlt_core; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"torch", "pandas", "numpy"} & set(done.stdout.split())
