"""A few fixed examples in ``make test``; thousands of new ones in ``make fuzz``."""

import os

from hypothesis import HealthCheck, Phase, settings

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
settings.register_profile(
    "few", max_examples=20, derandomize=True, database=None, deadline=None, suppress_health_check=SLOW
)
settings.register_profile(
    "many",
    max_examples=int(os.environ.get("EXAMPLES", "1000")),
    deadline=None,
    phases=[phase for phase in Phase if phase != Phase.explain],  # which traces each line, and takes minutes
    print_blob=True,
    suppress_health_check=SLOW,
)
settings.load_profile("few")
