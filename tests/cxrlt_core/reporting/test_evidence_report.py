from dataclasses import replace

from made_results import EFFECT, UNKNOWN, make_results, make_row, make_table

from cxrlt_core.evidence.effects import Additivity, MainEffects
from cxrlt_core.reporting.evidence_report import effects_section

ROWS = [make_row(name, 0.3) for name in ("base", "base+tta", "other", "more")]


def test_an_effect_names_its_rows_and_their_weights_and_additivity_is_told_or_why_not(smoke):
    def write(p: float | None = 0.5, ways: int = 1, effects: int = 1, **changes) -> str:
        found = MainEffects([replace(EFFECT, **changes)] * effects, Additivity(ways, p))
        tables = (make_table(1, ROWS, []), make_table(2, ROWS, []))
        return effects_section(make_results(smoke, effects=found, tables=tables))

    assert "| TTA" not in write()  # of two rows: their difference says it
    pooled = {"base": -0.5, "base+tta": 0.5, "other": -0.5, "more": 0.5}
    line = "| TTA | off → ✓ | 0.5·2 + 0.5·4 − 0.5·1 − 0.5·3 | +0.1000 [–, –] | unresolved | – | +0.1000 |"
    assert line in write(weights=pooled)
    lone = write(weights={}, difference=UNKNOWN, published=None, verdict="not estimable")
    assert "| TTA | off → ✓ | – | – | not estimable |" in lone
    assert "**resolved up**" in write(weights=pooled, verdict="resolved up")
    assert "p = 0.500: nothing speaks against it" in write()
    assert "p = 0.010: they do not add up" in write(0.01)
    assert "it takes three seeds" in write(None)
    assert "no more rows than effects" in write(None, ways=0)
    assert write(None, ways=0, effects=0) == "No design varies.\n"
