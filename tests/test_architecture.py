"""Imports run one way, from the stages down, and docs/architecture.md shows it."""

import ast
from graphlib import TopologicalSorter

from cxrlt_core.designs import of_variants
from tests.architecture import ARROWS, GROUND, PAGE, ROOT, block, imports, pipeline_picture, rooms_picture


def test_imports_go_along_the_arrows_and_every_arrow_has_one():
    wrong = [
        f"{file}: {room} imports {target}"
        for file, room, target in imports()
        if target not in ARROWS[room] | (GROUND if room not in GROUND else set())
    ]
    assert not wrong
    arrows = {(room, target) for room, targets in ARROWS.items() for target in targets}
    assert arrows <= {(room, target) for _, room, target in imports()}


def test_every_room_is_known_and_no_way_leads_back():
    assert set(TopologicalSorter(ARROWS).static_order()) == set(ARROWS)
    assert not {"cxrlt", "stages", "tools"} & set().union(*ARROWS.values())
    folders = {p.name for p in (ROOT / "cxrlt_core").iterdir() if p.is_dir() and any(p.glob("*.py"))}
    modules = {p.stem for p in (ROOT / "cxrlt_core").glob("*.py") if p.stem != "__init__"}
    assert folders | modules | {"artifacts", "cxrlt", "stages", "tools"} == set(ARROWS)


def test_the_page_shows_the_rooms_and_the_pipeline():
    """`python -m tests.architecture` draws them anew."""
    page = PAGE.read_text()
    assert block(rooms_picture()) in page and block(pipeline_picture()) in page


def test_the_seven_designs_are_found_by_name():
    designs = {p.stem for p in (ROOT / "cxrlt_core/designs").glob("*.py")}
    assert designs > {"text_encoder", "reweight", "separate", "mixup", "tta", "ensemble", "replenishment"}


def test_nothing_outside_their_room_names_a_design_of_a_variant():
    rooms = [p for p in (ROOT / "cxrlt_core").rglob("*.py") if p.parent.name != "designs"]
    for path in rooms:
        names = {n.value for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Constant)}
        assert not names & set(of_variants()), path
