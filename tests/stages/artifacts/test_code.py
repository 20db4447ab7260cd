import ast

import pytest

from cxrlt_core.figures import figures
from cxrlt_core.system.code import _text
from cxrlt_core.system.errors import StudyError
from stages.artifacts import code
from stages.artifacts.code import IGNORED_MODULES, ROOT, meaning, module_code, stage_code, stages

SOURCE = '''
"""A module."""
from math import pi

def area(radius: float, scale: float = 1.0) -> float:
    """Area of a circle."""
    # why
    return scale * pi * radius**2
'''


@pytest.mark.parametrize(
    ("same", "before", "after"),
    [
        (True, '"""A module."""', ""),
        (True, '"""Area of a circle."""', '"""Another text."""'),
        (True, '    """Area of a circle."""\n', ""),
        (True, "    # why\n", ""),
        (True, "radius: float, scale: float = 1.0", "radius: float,\n    scale: float = 1.0,\n"),
        (True, "scale * pi * radius**2", "(scale*pi *  radius ** 2)  # a comment"),
        (False, "pi * radius", "pi + radius"),
        (False, "= 1.0", "= 2.0"),
        (False, "= 1.0", "= 1"),
        (False, "radius**2", "radius**-2"),
        (False, "from math import pi", "from cmath import pi"),
        (False, "return scale", "scale"),
        (False, "def area", "@cache\ndef area"),
        (False, "scale: float =", "scale: int ="),
    ],
)
def test_only_what_means_the_same_has_the_same_fingerprint(same, before, after):
    assert before in SOURCE
    assert (meaning(SOURCE.replace(before, after)) == meaning(SOURCE)) == same


def test_a_field_that_another_python_version_adds_means_nothing_while_it_is_empty():
    plain, added = ast.Pass(), ast.Pass()
    added._fields, added.new, added.more = ("new", "more"), None, []
    assert _text(added) == _text(plain)
    added.new = "x"
    assert _text(added) != _text(plain)


def forget():
    for cached in (code._source, code._meaning_of, code._file, code._imports):
        cached.cache_clear()


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A small repository, described in place of ours; call it to change a file."""

    def write(**files: str) -> None:
        for name, text in files.items():
            path = tmp_path / (name.replace("__", "/") + ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        forget()

    monkeypatch.setattr(code, "ROOT", tmp_path)
    monkeypatch.setattr(code, "IGNORED_MODULES", {"cxrlt_core.words": "a reason"})
    write(
        stages__a="from cxrlt_core.room.thing import f",
        cxrlt_core__room__thing="def f():\n    from cxrlt_core import late, words",
        cxrlt_core__late="import numpy, json",
        cxrlt_core__words="from cxrlt_core.numbers import one",
        cxrlt_core__numbers="one = 1",  # reached through a harmless module alone
        cxrlt_core__other="x = 1",
    )
    (tmp_path / "cxrlt_core/room/__init__.py").write_text('"""A room."""\nx = 1')
    (tmp_path / "cxrlt_core/__init__.py").write_text('"""A library."""')
    yield write
    forget()


def test_a_stage_is_all_that_it_reaches_and_an_edit_shows_in_the_file_of_its_module_alone(tree):
    before = stage_code("a")
    assert set(before) == {
        "stages/a.py",
        "cxrlt_core/room/__init__.py",  # importing a module runs its packages
        "cxrlt_core/room/thing.py",
        "cxrlt_core/late.py",
    }
    tree(cxrlt_core__other="x = 2", cxrlt_core__words="from cxrlt_core.numbers import one\ny = 2")
    assert stage_code("a") == before
    tree(cxrlt_core__late="import numpy, json\nx = 1")
    after = stage_code("a")
    assert {file for file in before if before[file] != after[file]} == {"cxrlt_core/late.py"}


def test_relative_imports_are_followed(tree):
    before = set(stage_code("a"))
    tree(cxrlt_core__room__thing="from . import more\nfrom ..other import x", cxrlt_core__room__more="y = 1")
    changed = set(stage_code("a"))
    assert changed - before == {"cxrlt_core/room/more.py", "cxrlt_core/other.py"}


@pytest.mark.parametrize("file", ["helpers", "lab__tricks"])
def test_what_lies_beside_the_packages_is_a_line_since_no_edit_of_it_would_be_noticed(tree, file):
    top = file.split("__")[0]
    tree(**{file: "x = 1"}, cxrlt_core__late=f"from {file.replace('__', '.')} import x")
    with pytest.raises(StudyError, match=rf"^cxrlt_core/late\.py: imports {top}, where edits go unnoticed"):
        stage_code("a")


def test_what_a_module_finds_by_name_is_reached(tree, monkeypatch):
    monkeypatch.setattr(code, "FINDERS", {"cxrlt_core.room.thing": ("cxrlt_core.room", "\nFOUND = ")})
    tree(cxrlt_core__room__more="from cxrlt_core import other\nFOUND = 1", cxrlt_core__room__less="x = 1")
    files = set(stage_code("a"))
    assert {"cxrlt_core/room/more.py", "cxrlt_core/other.py"} < files
    assert "cxrlt_core/room/less.py" not in files


def test_every_stage_is_described_by_its_script_and_more():
    assert {"code", "train", "report"} < set(stages()) and "__init__" not in stages()
    for stage in stages():
        assert f"stages/{stage}.py" in stage_code(stage)
        assert len(stage_code(stage)) > 1 or stage == "code"
    files = {f"cxrlt_core/figures/{name}.py" for name in figures()}
    assert files < set(stage_code("report")) and not files & set(stage_code("ensemble"))
    assert "cxrlt_core/study/gather.py" in (ROOT / "fingerprints/settings.json").read_text()
    assert "cxrlt_core/study/variants.py" in stage_code("train")


def test_modules_are_imported_by_a_computed_name_in_four_places_only():
    """Elsewhere the fingerprints would not notice; cxrlt_core/__init__.py offers what no stage uses."""
    found = set()
    for path in [*ROOT.glob("cxrlt_core/**/*.py"), *ROOT.glob("stages/**/*.py")]:
        names = {n.id for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Name)}
        names |= {n.attr for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Attribute)}
        if names & {"import_module", "__import__", "run_module", "exec", "eval_module"}:
            found.add(path.relative_to(ROOT).as_posix())
    offers = "cxrlt_core/__init__.py"
    rooms = {f"cxrlt_core/{room}/__init__.py" for room in ("designs", "figures", "losses", "sources")}
    assert found == {*rooms, "cxrlt_core/metrics/metric.py", offers}
    assert not any("cxrlt_core.load_model" in code._imports(f"stages.{name}") for name in stages())
    assert not any("cxrlt_core/serving/predictor.py" in stage_code(name) for name in stages())


def test_every_metric_is_code_of_the_stages_that_score_and_of_no_training():
    paths = [p for p in (ROOT / "cxrlt_core/metrics").glob("*.py") if "\nMETRICS = " in p.read_text()]
    files = {p.relative_to(ROOT).as_posix() for p in paths}
    assert len(files) > 5
    for stage in ("evaluate", "ensemble", "report"):
        assert files <= stage_code(stage).keys(), stage
    assert not files & stage_code("train").keys()


def test_the_harmless_modules_are_few_have_a_reason_and_compute_nothing():
    """A longer list needs a longer thought: a module on it may never change a number."""
    rooms = {
        "cxrlt_core.study": ("explain", "parse"),
        "cxrlt_core.system": ("atomic", "errors", "processes", "progress", "settings", "yaml_file"),
        "stages.artifacts": ("border", "code", "environment", "monitor"),
    }
    listed = {f"{room}.{name}" for room, names in rooms.items() for name in names}
    assert set(IGNORED_MODULES) == listed | {"cxrlt_core.params"}
    for name, reason in IGNORED_MODULES.items():
        path = ROOT / name.replace(".", "/")
        files = [*path.glob("*.py")] if path.is_dir() else [path.with_suffix(".py")]
        assert len(reason.split()) > 2 and files, name
        for file in files:
            module = file.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
            imported = set(code._imports(module))
            roots = {one.split(".")[0] for one in imported}
            if name == "stages.artifacts.environment":
                roots -= {"torch"}  # it asks what computes, and computes nothing
            assert not roots & {"torch", "torchvision", "timm", "scipy", "sklearn", "transformers"}, file


def test_params_hold_data_and_checks_and_nothing_that_computes():
    """What computes from parameters stands in the room study, and counts; rows have names, though."""
    allowed = {"schema.Table1Row.name"}
    for path in ROOT.glob("cxrlt_core/params/*.py"):
        tree = ast.parse(path.read_text())
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        for function in (node for node in tree.body if isinstance(node, ast.FunctionDef)):
            # used by a validator here, or given to one elsewhere
            assert function.name in names | {"known_method", "refused_option"}, function.name
        for owner in (node for node in tree.body if isinstance(node, ast.ClassDef)):
            for function in (node for node in owner.body if isinstance(node, ast.FunctionDef)):
                words = {
                    n.id for d in function.decorator_list for n in ast.walk(d) if isinstance(n, ast.Name)
                }
                is_check = words & {"field_validator", "model_validator"}
                assert is_check or f"{path.stem}.{owner.name}.{function.name}" in allowed, function.name
        imports = code._imports(f"cxrlt_core.params.{path.stem}")
        assert not any(module.startswith("cxrlt_core.study") for module in imports)


def test_a_harmless_package_is_harmless_whole_and_its_namesakes_are_not():
    assert not any(file.startswith("cxrlt_core/params/") for file in stage_code("train"))
    for name, harmless in (("params.schema", True), ("params", True), ("paramsoup", False)):
        assert code._within(f"cxrlt_core.{name}", IGNORED_MODULES) == harmless


def test_values_are_the_same_in_any_order_of_their_keys():
    one, other = {"a": 1, "b": {"c": [2], "d": None}}, {"b": {"d": None, "c": [2]}, "a": 1}
    assert code.fingerprint(one) == code.fingerprint(other) != code.fingerprint({**one, "a": 2})


def test_a_chosen_module_brings_what_it_imports():
    nih = set(module_code("cxrlt_core.sources.nih"))
    shared = ("nih", "label_table", "label_file", "mapping")
    assert {f"cxrlt_core/sources/{name}.py" for name in shared} <= nih
    assert "cxrlt_core/sources/mimic.py" not in nih
    assert not any("sources/nih" in file for file in stage_code("harmonize"))
    assert not any("losses/focal" in file for file in stage_code("train"))
    assert {"bce", "focal"} < set(code.modules_of("cxrlt_core.losses"))
