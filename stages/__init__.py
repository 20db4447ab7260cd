"""The scripts of dvc.yaml. Each ends with the dvc that started it, a killed one too.

The watching starts here, before a script's own imports: they take seconds, and once dvc is gone nothing
tells that it was there.
"""

from cxrlt_core.system.processes import end_with_ancestor, is_program

end_with_ancestor(is_program("dvc"))
