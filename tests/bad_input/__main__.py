"""Write docs/bad-input.md."""

from tests.bad_input import PAGE, page

PAGE.write_text(page(), encoding="utf-8")
