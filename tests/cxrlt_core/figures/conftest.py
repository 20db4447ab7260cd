"""Figures are drawn in the style of the study."""

import pytest

from cxrlt_core.figures import style


@pytest.fixture(autouse=True)
def applied():
    with style.applied():
        yield
