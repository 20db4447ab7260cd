"""The scripts of dvc.yaml. Each ends with the dvc that started it, a killed one too.

The watching starts here, before a script's own imports: they take seconds, and once dvc is gone nothing
tells that it was there.
"""

import atexit
import gc

from cxrlt_core.system.processes import end_with_ancestor, is_program

# Imports make hundreds of thousands of objects and next to no garbage: looking for it that often, as Python
# does by default (700), takes a tenth or more of a stage's start.
gc.set_threshold(100_000)
# At its end Python looks through all of them again, for what the end of the process frees anyway.
atexit.register(gc.freeze)

end_with_ancestor(is_program("dvc"))
