from test_report import EFFECT, contrast, make_row

from cxrlt_core.reporting.effects_report import effects_section, improvement_section

ROWS = [make_row(name, 0.3) for name in ("base", "base+tta", "other", "more")]


def effects(p: float | None = 0.5, ways: int = 1, **changes) -> dict:
    return {"effects": [{**EFFECT, **changes}], "additivity": {"ways": ways, "p_holm": p}}


def test_an_effect_names_its_rows_and_their_weights():
    assert "| TTA | off → ✓ | 2 − 1 | +0.1000 [–, –] | unresolved | – | +0.1000 |" in effects_section(
        effects(), ROWS, 0.95
    )
    pooled = {"base": -0.5, "base+tta": 0.5, "other": -0.5, "more": 0.5}
    assert "| 0.5·2 + 0.5·4 − 0.5·1 − 0.5·3 |" in effects_section(effects(weights=pooled), ROWS, 0.95)
    lone = effects(weights={}, difference=[None] * 3, published=None, verdict="not estimable")
    assert "| TTA | off → ✓ | – | – | not estimable |" in effects_section(lone, ROWS, 0.95)
    assert "**resolved up**" in effects_section(effects(verdict="resolved up"), ROWS, 0.95)


def test_additivity_is_told_or_why_not():
    assert "p = 0.500: nothing speaks against it" in effects_section(effects(), ROWS, 0.95)
    assert "p = 0.010: they do not add up" in effects_section(effects(0.01), ROWS, 0.95)
    assert "it takes three seeds" in effects_section(effects(None), ROWS, 0.95)
    assert "no more rows than effects" in effects_section(effects(None, ways=0), ROWS, 0.95)
    nothing = {"effects": [], "additivity": {"ways": 0, "p_holm": None}}
    assert effects_section(nothing, ROWS, 0.95) == "No design varies.\n"


def test_a_new_training_agrees_with_some_probability():
    one = contrast("base+tta", "base")
    tables = {"table1": ROWS}
    text = improvement_section({"table1": [one]}, tables)
    assert "| 1 | TTA | off → ✓ | 2 − 1 | 75.0% [50.0%, 90.0%] |" in text
    unknown = {**one, "probability_of_improvement": [None] * 3}
    assert "It takes several seeds" in improvement_section({"table1": [unknown]}, tables)
