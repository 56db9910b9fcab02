"""Cuts of the attribution of any valid market sum to its profit, term by term, whoever plays it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mm_env.config import MarketConfig
from mm_env.envs.play import StepSnapshot, Watcher, play
from mm_env.envs.vector_env import MultiVenueVectorEnv
from mm_env.evaluation.attribution_cuts import DEFAULT_CUTS, DIMENSIONS, AttributionCuts, cut_name
from mm_env.evaluation.episode_details import EpisodeDetails
from mm_env.policies.registry import get_policy
from mm_env.sim.state import TERMS
from tests.property.strategies import configs

EXACT = 1e-9  # of the largest amounts that were added: rounding of a few thousand sums


class Gross(Watcher):
    """Adds up the traded value [currency]."""

    value = 0.0

    def step(self, snapshot: StepSnapshot) -> None:
        for i in range(snapshot.envs.num_envs):
            fills = snapshot.envs.fills(i)
            traded = float((fills["quantity"].astype(float) * np.abs(fills["price"])).sum())
            self.value += traded * float(snapshot.envs.batch.params["lot_value"].max())


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(configs(2, 3), st.integers(0, 2**32 - 1), st.sampled_from(["as", "random"]), st.integers(1, 3))
def test_cuts_sum_to_the_profit(config: MarketConfig, seed: int, policy: str, envs: int) -> None:
    market = MultiVenueVectorEnv(envs, config, num_threads=1, record=True)
    cuts = (*DEFAULT_CUTS, tuple(DIMENSIONS))
    seconds = config.episode.steps * config.episode.step_seconds
    watcher = AttributionCuts(cuts, minutes=seconds / 60.0 / 3.0)
    gross, details = Gross(), EpisodeDetails()
    play(market, get_policy(policy, seed=seed), 4, seed, watchers=[watcher, details, gross])
    market.close()
    episodes = details.result()
    assert episodes is not None
    mean = episodes.breakdown.mean(axis=0)
    tolerance = EXACT * (gross.value + float(np.abs(episodes.breakdown).sum())) + 1e-300
    rows = pd.DataFrame(watcher.rows())
    terms = rows[rows["kind"] == "term"]
    for cut in cuts:
        of = terms[terms["cut"] == cut_name(cut)]
        found = of.groupby("term")["mean"].sum().reindex(list(TERMS), fill_value=0.0)
        assert np.abs(found.to_numpy() - mean.sum(axis=(0, 1))).max() <= tolerance, cut
    names = {name: k for k, name in enumerate(s.name for s in config.symbols)}
    venues = {name: k for k, name in enumerate(v.name for v in config.venues)}
    finest = terms[terms["cut"] == cut_name(tuple(DIMENSIONS))]
    for (symbol, venue, term), value in finest.groupby(["symbol", "venue", "term"])["mean"].sum().items():
        assert abs(value - mean[names[symbol], venues[venue], TERMS.index(term)]) <= tolerance
