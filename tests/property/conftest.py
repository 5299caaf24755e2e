"""Property tests: the same examples in every run and no clock, so that a red test is a bug of that change.

`HYPOTHESIS_PROFILE=search` looks further: thousands of new examples a property.
"""

import os

from hypothesis import settings

settings.register_profile("steady", deadline=None, derandomize=True, database=None)
settings.register_profile("search", deadline=None, max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))
