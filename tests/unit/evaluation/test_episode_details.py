"""Details of episodes agree with the environment that played them, however they are spread over envs."""

import numpy as np
import pytest

from mm_env.config.io import load_config
from mm_env.envs.play import Watcher, play
from mm_env.envs.vector_env import MultiVenueVectorEnv
from mm_env.evaluation.episode_details import EpisodeDetails
from mm_env.evaluation.estimates import below_high
from mm_env.policies.registry import get_policy
from mm_env.sim.ledger import HEDGE, MAKER
from mm_env.sim.state import TERMS

STEPS = 150
CONFIG = {
    "episode": {"steps": STEPS},
    "news": {"rate_per_hour": 1800.0},
    "risk": {"portfolio_var_limit": 150.0},
    "reward": {"inventory_penalty": 0.0},
    "venues": [{"name": "A", "price_basis_ticks": 3}, {"name": "B", "maker_fee_bps": 0.1}],
}
POLICY = get_policy("as")


class Journal(Watcher):
    """A watcher that keeps what statistics are made of, in the plainest way."""

    def __init__(self):
        self.profit, self.inventory, self.mid, self.fills, self.ends, self.rewards = [], [], [], [], {}, []

    def reset(self, snapshot):
        self.mid.append(np.array(snapshot.infos["mid"]))

    def step(self, snapshot):
        envs, infos = snapshot.envs, snapshot.infos
        self.mid.append(np.array(infos["mid"]))
        by_symbol = np.stack([envs.breakdown(i).sum(axis=(1, 2)) for i in range(envs.num_envs)])
        self.profit.append(np.column_stack([by_symbol, infos["pnl"]]))
        self.inventory.append(np.array(infos["inventory"]))
        self.fills.append([envs.fills(i) for i in range(envs.num_envs)])
        self.rewards.append(snapshot.rewards.copy())
        for i in np.flatnonzero(snapshot.ended & snapshot.playing):
            self.ends[int(i)] = {name: envs.batch.states[name][i].copy() for name in envs.batch.states.dtype.names}


def details_of(number, episodes, seed, config=CONFIG, journal=None, **named):
    """The details of episodes, the outcome of the play, and the params of env 0."""
    envs, details = MultiVenueVectorEnv(number, config, record=True), EpisodeDetails()
    watchers = [details] if journal is None else [details, journal]
    outcome = play(envs, POLICY, episodes, seed=seed, watchers=watchers, **named)
    params = envs.batch.params[0].copy()
    envs.close()
    return details.result(), outcome, params


@pytest.fixture(scope="module")
def played():
    journal = Journal()
    episodes, _, params = details_of(3, 3, 4, journal=journal)
    return episodes, journal, params


def test_profits_and_rewards_are_those_of_the_infos(played):
    episodes, journal, _ = played
    assert len(episodes) == 3 and episodes.steps.tolist() == [STEPS] * 3
    assert episodes.profit == pytest.approx(journal.profit[-1][:, -1])
    assert episodes.metrics.reward == pytest.approx(np.sum(journal.rewards, axis=0))
    assert episodes.metrics.reward == pytest.approx(episodes.profit)  # weight on profit alone


def test_drawdowns_are_those_of_the_paths(played):
    episodes, journal, _ = played
    paths = np.stack(journal.profit)
    for i in range(3):
        assert episodes.drawdown[i] == pytest.approx([-below_high(paths[:, i, k]).min() for k in range(2)])
        assert episodes.metrics.drawdown[i] == pytest.approx(-below_high(paths[:, i, 2]).min())
        assert episodes.metrics.drawdown[i] == pytest.approx(journal.ends[i]["drawdown"])
    assert episodes.drawdown.min() > 0


def test_fills_and_costs_are_those_of_the_log(played):
    episodes, journal, _ = played
    for i in range(3):
        log = np.concatenate([fills[i] for fills in journal.fills])
        maker, hedge = log[log["role"] == MAKER], log[log["role"] == HEDGE]
        assert len(maker) > 20 and len(hedge) > 0
        for k in range(2):
            assert episodes.fills[i, k] == np.count_nonzero(maker["symbol"] == k)
            assert episodes.filled[i, k] == maker["quantity"][maker["symbol"] == k].sum()
            assert episodes.hedged_lots[i, k] == hedge["quantity"][hedge["symbol"] == k].sum()
            crossing = episodes.breakdown[i, k, :, TERMS.index("hedge_cost")].sum()
            fees = hedge["fee"][hedge["symbol"] == k].sum()
            assert episodes.hedge_cost[i, k] == pytest.approx(fees - crossing)
        assert episodes.hedge_cost[i].sum() == pytest.approx(episodes.metrics.hedge_cost[i])
        assert episodes.metrics.breaches[i] == journal.ends[i]["breaches"] > 0
        assert episodes.metrics.hedges[i] == journal.ends[i]["hedges"] > 0
        assert (episodes.filled[i] < episodes.posted[i]).all()
        assert episodes.posted[i].tolist() == journal.ends[i]["posted"][:2, :2].sum(axis=(1, 2)).tolist()


def test_the_cost_of_hedges_needs_no_log_before_the_last_step(monkeypatch):
    monkeypatch.setattr("mm_env.sim.batch.LOG_ROWS", 1)
    config = {**CONFIG, "episode": {"steps": STEPS, "liquidate_at_end": False}}
    short, *_ = details_of(3, 3, 4, config)
    monkeypatch.undo()
    whole, *_ = details_of(3, 3, 4, config)
    assert short.marks.count.sum() < whole.marks.count.sum(), "the log dropped fills"
    assert (whole.hedge_cost > 0.0).any(axis=0).all()
    np.testing.assert_allclose(short.hedge_cost, whole.hedge_cost, rtol=0.01)  # the last step's fees are from the log
    np.testing.assert_allclose(short.hedge_cost.sum(axis=1), short.metrics.hedge_cost, rtol=1e-12)


def test_inventories_are_taken_over_steps_before_the_liquidation(played):
    episodes, journal, _ = played
    for i in range(3):
        held = np.stack(journal.inventory)[:, i].astype(float)
        held[-1] = journal.ends[i]["liquidated"]
        assert episodes.inventory_end[i].tolist() == held[-1].tolist()
        assert episodes.inventory_mean[i] == pytest.approx(held.mean(axis=0))
        assert episodes.inventory_absolute[i] == pytest.approx(np.abs(held).mean(axis=0))
        assert episodes.inventory_square[i] == pytest.approx((held**2).mean(axis=0))
    assert (episodes.inventory_end != 0).any()


def test_mark_outs_are_those_of_the_definition(played):
    episodes, journal, params = played
    mids = np.stack(journal.mid)
    count, value = np.zeros((3, 2, 4), int), np.zeros((3, 2, 4))
    for i in range(3):
        for fill in np.concatenate([fills[i] for fills in journal.fills]):
            if fill["role"] != MAKER:
                continue
            k, v, tick = fill["symbol"], fill["venue"], params["tick_size"][fill["symbol"]]
            shares = (1 - 2 * int(fill["side"])) * int(fill["quantity"]) * 100.0
            basis = params["price_basis_ticks"][v]
            for h, horizon in enumerate((0.0, 1.0, 10.0, 60.0)):
                at = int(np.ceil(fill["time"] + horizon - 1e-9))
                if horizon and at >= STEPS:  # the last mid stands after the agent's own liquidation
                    continue
                mid = mids[at, i, k] if horizon else (fill["mid"] - basis) * tick
                count[i, v, h] += 1
                value[i, v, h] += shares * (mid - (fill["price"] - basis) * tick)
    assert episodes.marks.count.tolist() == count.tolist()
    assert episodes.marks.value == pytest.approx(value, abs=1e-6)
    assert (count[:, :, 0] > count[:, :, 3]).all() and count[:, :, 3].min() > 0


def test_without_a_liquidation_mark_outs_read_the_last_mid():
    config = {**CONFIG, "episode": {"steps": STEPS, "liquidate_at_end": False}}
    journal = Journal()
    found, *_ = details_of(3, 3, 4, config, journal)
    at_the_end = 0
    for i in range(3):
        log = np.concatenate([fills[i] for fills in journal.fills])
        log = log[log["role"] == MAKER]
        for h, horizon in ((1, 1.0), (2, 10.0)):
            inside = np.ceil(log["time"] + horizon - 1e-9) <= STEPS
            assert found.marks.count[i, :, h].sum() == np.count_nonzero(inside)
        at_the_end += np.count_nonzero(np.ceil(log["time"] + 1.0) == STEPS)
        assert found.inventory_end[i].tolist() == journal.inventory[-1][i].tolist()
    assert at_the_end > 0


def test_at_the_fill_mark_outs_are_the_spread_captured(played):
    episodes, _, _ = played
    spread = episodes.breakdown[..., TERMS.index("spread_capture")].sum(axis=1)
    assert episodes.marks.value[:, :, 0] == pytest.approx(spread)


def test_further_episodes_follow_on_the_same_envs():
    def profits(number, episodes, seed=4):
        return details_of(number, episodes, seed)[0].profit

    three, five = profits(3, 3), profits(3, 5)
    assert five[:3].tolist() == three.tolist()
    assert len(five) == 5 and len(set(five)) == 5
    assert profits(5, 2).tolist() == three[:2].tolist()  # envs beyond the number asked for do not count


def test_episodes_of_drawn_lengths_are_each_counted_to_their_own_end():
    config = {**CONFIG, "randomize": {"episode.steps": [5, 60]}}
    journal = Journal()
    episodes, *_ = details_of(6, 6, 1, config, journal)
    assert len(set(episodes.steps.tolist())) > 2
    for i in range(6):
        steps = episodes.steps[i]
        assert episodes.profit[i] == pytest.approx(journal.profit[steps - 1][i, -1])
        assert episodes.fills[i].sum() == sum(np.count_nonzero(fills[i]["role"] == MAKER) for fills in journal.fills[:steps])


def test_stopped_before_an_end_the_episodes_under_way_are_kept():
    journal = Journal()
    episodes, outcome, _ = details_of(2, 2, 4, journal=journal, stop=lambda: len(journal.profit) == 30)
    assert (outcome.stopped, outcome.episodes) == (True, 0)
    assert episodes.steps.tolist() == [30, 30]
    assert episodes.profit == pytest.approx(journal.profit[-1][:, -1])
    assert episodes.inventory_end.tolist() == journal.inventory[-1].tolist()
    assert episodes.marks.count[:, :, 1].sum() > 0


def test_stopped_later_only_the_finished_episodes_are_kept():
    journal = Journal()
    episodes, outcome, _ = details_of(2, 4, 4, journal=journal, stop=lambda: len(journal.profit) == STEPS + 10)
    assert (outcome.stopped, outcome.episodes, len(episodes)) == (True, 2, 2)
    assert episodes.steps.tolist() == [STEPS, STEPS]


def test_stopped_at_once_there_is_nothing():
    episodes, outcome, _ = details_of(2, 2, 4, stop=lambda: True)
    assert episodes is None and outcome.stopped


def test_an_environment_without_a_log_is_refused():
    envs = MultiVenueVectorEnv(2, load_config("two_symbols"))
    with pytest.raises(ValueError, match="record=True"):
        play(envs, POLICY, 2, seed=0, watchers=[EpisodeDetails()])
    envs.close()
