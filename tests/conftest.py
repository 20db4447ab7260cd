"""How the processes of pytest-xdist share the tests, see ``make test``, and what all tests start from."""

import gc
import os
import signal

#: Takes longest, and begins: it runs the smoke study, of which the other modules of its folder take copies.
LONGEST = "tests/pipeline/smoke/test_edits.py"

signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background ignores Ctrl-C
os.environ["DVC_NO_ANALYTICS"] = "1"  # of which each command would leave a file in the temporary folder


def pytest_collection_modifyitems(items):
    """Begin with what takes long: the edits of the smoke study beside the rest of the pipeline."""
    items.sort(
        key=lambda item: (
            not item.nodeid.startswith(LONGEST),
            "pipeline" not in item.path.parts,
            "smoke" in item.path.parts,
        )
    )


def pytest_collection_finish():
    """What has been imported is no garbage: looking through it takes half a second each time."""
    gc.freeze()
