"""Other params in mid-episode: what the state holds of the old ones follows, and no random number is drawn for it.

Kernels read their params at every event, but rates of makers, the consolidated touch, and the dominating rate and next
candidate of takers stand in the state until the next event. A waiting time that has no memory is stretched by the ratio
of the two rates, which gives it the law that it would have had.
"""

import math

from mm_env.sim.book import update_rates, update_touch
from mm_env.sim.compiling import entry_point, kernel
from mm_env.sim.flow import decay_excitation, dominating_rate


@kernel
def stretch_taker(s, p):
    """Dominating rate of takers under new params; what is left of the wait for the next candidate is stretched."""
    bound = dominating_rate(s, p)
    left = (s.taker_next - s.time) * s.taker_bound if s.taker_bound > 0.0 else 0.0
    s.taker_next = s.time + left / bound if bound > 0.0 else math.inf
    s.taker_bound = bound


@entry_point
def switch_params(states, old, new, excitation, takers, touch, makers):
    """Bring the states of all envs, between two steps, in line with new params.

    states: (N,) records; old, new: (1,) records of params; excitation: let it decay until now by the old params;
    takers, touch, makers: update what the state holds of these
    """
    for i in range(states.shape[0]):
        s, p = states[i], new[0]
        if excitation:
            decay_excitation(s, old[0])
        if takers:
            stretch_taker(s, p)
        for k in range(p.symbols):
            if touch:
                update_touch(s, p, k)
            if makers:
                for v in range(p.venues):
                    update_rates(s, p, k, v)
