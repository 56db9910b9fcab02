"""What info, the logs and the breakdown say agrees with the ledger, with the rewards and with each other."""

import gymnasium as gym
import numpy as np
import pytest

import mm_env  # noqa: F401, registers the id
from mm_env.sim.ledger import MAKER
from mm_env.sim.state import REWARDS, TERMS

ID = "mm_env/MultiVenue-v0"
CONFIG = {
    "episode": {"steps": 60},
    "reward": {"inventory_penalty": 0.1, "hedging_cost": 0.5, "terminal_penalty": 0.1},
    "news": {"rate_per_hour": 3600.0},
    "venues": [{"name": "A", "price_basis_ticks": 3}, {"name": "B"}],
}
KEYS = {
    "pnl", "cash", "inventory", "mid", "value_at_risk", "expected_shortfall", "fills", "hedged", "regime",
    "reward_terms", "attribution",
}  # fmt: skip


@pytest.fixture(scope="module")
def played() -> tuple[gym.vector.VectorEnv, list]:
    envs = gym.make_vec(ID, num_envs=3, config=CONFIG, record=True, autoreset_mode="Disabled")
    rng = np.random.default_rng(0)
    rows = [(None, *envs.reset(seed=5)[1:], [], [])]
    for _ in range(60):
        actions = rng.uniform(-1.0, 1.0, (3, 6))
        _, reward, _, _, info = envs.step(actions)
        rows.append((reward, info, [envs.fills(i) for i in range(3)], [envs.headlines(i) for i in range(3)]))
    return envs, rows


def test_shapes_and_kinds(played):
    _, rows = played
    kinds = {"hedged": np.bool_, "regime": np.int64, "inventory": np.int64, "fills": np.int64}
    for _, info, *_ in rows:
        assert info.keys() == KEYS
        for name in KEYS - {"reward_terms", "attribution"}:
            assert info[name].shape == ((3, 2) if name in ("inventory", "mid") else (3,))
            assert info[name].dtype == kinds.get(name, np.float64)
        assert tuple(info["reward_terms"]) == REWARDS and tuple(info["attribution"]) == TERMS
        assert all(values.shape == (3,) for group in ("reward_terms", "attribution") for values in info[group].values())


def test_reward_terms_sum_to_the_reward_and_profit_to_pnl(played):
    _, rows = played
    earned = np.zeros(3)
    for reward, info, *_ in rows[1:]:
        np.testing.assert_allclose(sum(info["reward_terms"].values()), reward, rtol=1e-12, atol=1e-9)
        earned += info["reward_terms"]["profit"]
        np.testing.assert_allclose(earned, info["pnl"], atol=1e-6)
    penalties = rows[-1][1]["reward_terms"]
    assert (penalties["terminal_penalty"] <= 0.0).all() and any(
        row[1]["reward_terms"]["inventory_penalty"].any() for row in rows
    )


def test_fills_count_those_of_own_quotes(played):
    _, rows = played
    counted = np.zeros(3, int)
    for _, info, fills, _ in rows[1:]:
        counted += [int((one["role"] == MAKER).sum()) for one in fills]
        assert info["fills"].tolist() == counted.tolist()
    assert counted.min() > 10


def test_attribution_and_breakdown_sum_to_pnl(played):
    envs, rows = played
    for _, info, *_ in rows:
        np.testing.assert_allclose(sum(info["attribution"].values()), info["pnl"], rtol=1e-9, atol=1e-6)
    for i in range(3):
        table = envs.breakdown(i)
        assert table.shape == (2, 2, len(TERMS))
        said = [rows[-1][1]["attribution"][name][i] for name in TERMS]
        np.testing.assert_allclose(table.sum(axis=(0, 1)), said, rtol=1e-12, atol=1e-9)
        table[:] = 0.0
        assert envs.breakdown(i).any(), "a copy"


def test_cash_inventory_and_profit_follow_from_the_fills(played):
    _, rows = played
    cash, lots = np.zeros(3), np.zeros((3, 2, 2), np.int64)
    lot_value, basis = 0.01 * 100.0, np.array([3, 0])
    for _, info, fills, _ in rows[1:]:
        for i, log in enumerate(fills):
            for fill in log:
                sign = 1 - 2 * int(fill["side"])
                cash[i] -= sign * fill["price"] * fill["quantity"] * lot_value + fill["fee"]
                lots[i, fill["symbol"], fill["venue"]] += sign * fill["quantity"]
        np.testing.assert_allclose(info["cash"], cash, rtol=1e-12, atol=1e-6)
        np.testing.assert_array_equal(info["inventory"], lots.sum(axis=2))
        marks = info["mid"][:, :, None] / 0.01 + basis
        np.testing.assert_allclose(info["pnl"], cash + (lots * marks).sum(axis=(1, 2)) * lot_value, atol=1e-5)
    assert sum(len(log) for row in rows for log in row[2]) > 50


def test_headlines_have_their_texts(played):
    envs, rows = played
    items = [item for row in rows[1:] for log in row[3] for item in log]
    assert len(items) > 100
    assert {item.symbol for item in items} == {"XYZ", "ABC", ""}
    named = [item for item in items if item.symbol]
    assert sum(item.symbol in item.text for item in named) > 0.9 * len(named)
    texts = dict(zip(envs.market.texts, envs.market.headlines.tape["score"].tolist(), strict=True))
    assert all(texts[item.text] == item.score for item in items)
    assert all(0.0 < item.time <= 60.0 for item in items)


def test_the_scalar_env_says_the_same_in_plain_numbers(played):
    _, rows = played
    env = gym.make(ID, config=CONFIG).unwrapped
    rng = np.random.default_rng(0)
    _, info = env.reset(seed=5)
    for reward, expected, *_ in rows[:20]:
        if reward is not None:
            _, got, _, _, info = env.step(rng.uniform(-1.0, 1.0, (3, 6))[0])
            assert type(got) is float and got == reward[0]
        assert info.keys() == KEYS
        for name in ("pnl", "cash", "value_at_risk", "expected_shortfall"):
            assert type(info[name]) is float and info[name] == expected[name][0]
        assert type(info["hedged"]) is bool and info["hedged"] == expected["hedged"][0]
        assert type(info["regime"]) is int and info["regime"] == expected["regime"][0]
        for name in ("inventory", "mid"):
            np.testing.assert_array_equal(info[name], expected[name][0])
        for name in ("reward_terms", "attribution"):
            assert all(type(value) is float for value in info[name].values())
            assert info[name] == {key: values[0] for key, values in expected[name].items()}


def test_a_market_smaller_than_its_kernel_shows_its_own_symbols_alone():
    envs, env = gym.make_vec(ID, num_envs=2, config="one_symbol"), gym.make(ID, config="one_symbol").unwrapped
    assert envs.market.capacity.symbols > 1
    shown = [envs.reset(seed=0)[1], envs.step(np.zeros((2, 3)))[4]]
    assert all(info["inventory"].shape == info["mid"].shape == (2, 1) for info in shown)
    shown = [env.reset(seed=0)[1], env.step(np.zeros(3))[4]]
    assert all(info["inventory"].shape == info["mid"].shape == (1,) for info in shown)
    assert env.breakdown().shape == envs.breakdown(1).shape == (1, 1, len(TERMS))
