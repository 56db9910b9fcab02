"""Events for tests."""

import numpy as np

from mm_env.data.events import Events


def joined(batches):
    parts = list(batches)
    return Events(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in Events.__dataclass_fields__})
