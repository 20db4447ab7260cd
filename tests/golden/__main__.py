"""Write tests/golden/values.json anew, where a change of the numbers is meant.

Usage: python -m tests.golden
"""

from cxrlt_core.system.files import write_json
from tests.golden.machine import PATH, machine
from tests.golden.values import golden_values

write_json(PATH, {"machine": machine(), **golden_values()})
print(f"{PATH.name}: written; the commit says why")
