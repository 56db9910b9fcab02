"""What cannot be played is refused before anything is played."""

import numpy as np
import pytest

from mm_env.config.io import load_config
from mm_env.errors import UsageError
from mm_env.evaluation.held_out import check_playable
from mm_env.policies.own import make_policy


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda envs: np.zeros(2), r"policy 'mine': actions of shape \(2,\): expected"),
        (lambda envs: np.full(envs.action_space.shape, np.nan), r"policy 'mine': actions\[0, 0\] .* is nan"),
        (lambda envs: None, "policy 'mine': returned None"),
    ],
)
def test_a_first_action_that_is_not_allowed_names_the_policy(function, said):
    with pytest.raises(UsageError, match=said):
        check_playable("mine", make_policy("mine", function, {}), load_config(), 0)


def test_a_class_that_acts_none_is_refused():
    class Idle:
        name = "idle"

        def configure(self, config):
            return config

        def act(self, env):
            return None

    with pytest.raises(UsageError, match=r"^policy 'idle': actions: None: expected numbers"):
        check_playable("idle", Idle(), load_config(), 0)
