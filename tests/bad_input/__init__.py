"""Bad input, case by case, and the line that a user sees."""

from tests.bad_input import artifacts, label_files, params, pictures
from tests.bad_input.case import Case

#: Heading to what it says, and its cases.
ROOMS: dict[str, tuple[str, list[Case]]] = {
    "Label files": ("A reader stops at the first fault.", label_files.CASES),
    "Image files": (
        "A rejected image alone stops nothing, see `image.max_rejects`; its reason is in the index.",
        pictures.CASES,
    ),
    "params.yaml": ("A line a problem; the smoke study, with keys changed.", params.CASES),
    "Stages, and files between them": ("Files damaged, or changed by hand.", artifacts.CASES),
}
