import numpy as np
from figure_records import CLASSES, ONE, table
from made_results import make_results
from matplotlib.colors import to_rgb
from matplotlib.layout_engine import ConstrainedLayoutEngine

from cxrlt_core.figures import style, tables
from cxrlt_core.figures.style import by_prevalence, render, sampling, signed, spelled


def test_colours_and_marks_of_groups_are_told_apart_in_grey_and_series_differ():
    colours, marks, _ = zip(*style.OF_GROUP.values(), strict=True)
    lightness = [np.dot(to_rgb(colour), (0.2126, 0.7152, 0.0722)) for colour in colours]
    assert np.diff(lightness).min() > 0.1 and len(set(marks)) == 3
    assert len({tuple(look.values()) for look in style.SERIES}) == len(style.SERIES) >= 12


def test_a_figure_is_laid_out_once_and_a_note_stands_below_it(monkeypatch):
    calls, execute = [], ConstrainedLayoutEngine.execute
    monkeypatch.setattr(
        ConstrainedLayoutEngine, "execute", lambda self, figure: calls.append(execute(self, figure))
    )
    alone = np.asarray(render(tables.draw(table(), ONE), ""))
    assert len(calls) == 1
    noted = np.asarray(render(tables.draw(table(), ONE), "synthetic"))
    assert len(calls) == 2
    below = noted[len(alone) - round(style.MARGIN * style.DOTS) :]
    assert len(noted) > len(alone) and (below < 200).any()


def test_pictures_say_the_level_and_the_seeds(changed):
    one, three = (sampling(make_results(changed({"train.seeds": seeds}))) for seeds in ([0], [0, 1, 2]))
    assert one == "95% intervals of the patients alone; one training each"
    assert three == "95% intervals of patients and trainings; 3 seeds each"


def test_classes_are_sorted_by_group_and_prevalence_and_numbers_are_signed():
    assert list(by_prevalence(CLASSES)) == ["Edema", "Mass", "Hernia", "Fibrosis"]
    assert (signed(-0.00123, 4), signed(None), signed(0.1)) == ("−0.0012", "–", "+0.100")
    assert spelled(None, 0.1) == "" and spelled(-0.1, 0.1) == " [−0.100, +0.100]"
