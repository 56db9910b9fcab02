"""Policies by name: with parameters, from a file, trained, of a user's own; torch only for trained ones."""

import subprocess
import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import numpy as np
import pytest

from mm_env.config import ClassicConfig
from mm_env.config.io import config_hash, load_config
from mm_env.envs.classic_vector import ClassicVectorEnv
from mm_env.envs.vector_env import MultiVenueVectorEnv
from mm_env.errors import ConfigError, UsageError
from mm_env.policies import (
    POLICY_NAMES,
    PolicyLoader,
    RandomPolicy,
    get_policies,
    get_policy,
    policy_names,
    register_policy,
    registry,
)
from mm_env.policies.parameters import parameter_file, parameter_name

TUNED = Path(__file__).resolve().parents[3] / "configs" / "tuned"
NAMES = ("as", "fixed", "glft", "cj", "as_symmetric", "constant", "random")


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_the_policy_of_that_name(name):
    assert name in POLICY_NAMES and get_policy(name).name == name


def test_the_seed_is_that_of_the_policys_own_draws():
    envs = MultiVenueVectorEnv(3)
    envs.reset(seed=0)
    np.testing.assert_array_equal(get_policy("random", 5).act(envs), RandomPolicy(5).act(envs))
    assert (get_policy("random", 5).act(envs) != get_policy("random", 6).act(envs)).any()


def test_a_constant_quotes_one_distance_and_hedges_nothing():
    policy = get_policy("constant:0.2")
    assert (policy.name, policy.action_mode) == ("constant:0.2", "absolute")
    envs = MultiVenueVectorEnv(3, action_mode="absolute")
    envs.reset(seed=0)
    assert policy.act(envs) == pytest.approx(np.tile([0.2, 0.2, 0.0], (3, 2)))
    assert policy.configure(envs.config) is envs.config
    classic = ClassicVectorEnv(2, action_mode="absolute")
    classic.reset(seed=0)
    assert policy.act(classic) == pytest.approx(np.full((2, 2), 0.2))
    low, high = classic.config.policy.absolute_min_depth, classic.config.policy.absolute_max_depth
    _, _, _, _, infos = classic.step(policy.act(classic))
    assert infos["bid_depth"] == pytest.approx(0.6 * high + 0.4 * low) == infos["ask_depth"]


def test_a_file_holds_the_policys_own_parameters(tmp_path):
    file = tmp_path / "tuned.yaml"
    file.write_text("# tuned\npolicy:\n  risk_aversion: 0.2\n  fill_decay: 70.0\nrisk:\n  hedge_target: 0.5\n")
    policy = get_policy(f"as:{file}")
    assert policy.name == f"as:{file}"
    home = policy.configure(load_config({"policy": {"use_avellaneda_stoikov": False}}))
    assert (home.policy.risk_aversion, home.policy.fill_decay, home.risk.hedge_target) == (0.2, 70.0, 0.5)
    assert home.policy.use_avellaneda_stoikov and home.risk.portfolio_var_limit == load_config().risk.portfolio_var_limit
    file.write_text("policy: {risk_aversion: 0.3}\n")
    assert get_policy(f"cj:{file}").configure(ClassicConfig()).policy.risk_aversion == 0.3


def test_parameters_stand_in_the_name(tmp_path):
    name = "as:risk_aversion=0.2,fill_decay=70,risk.hedge_target=0.5"
    policy = get_policy(name)
    assert policy.name == name
    home = policy.configure(load_config({"policy": {"use_avellaneda_stoikov": False}}))
    assert (home.policy.risk_aversion, home.policy.fill_decay, home.risk.hedge_target) == (0.2, 70.0, 0.5)
    assert home.policy.use_avellaneda_stoikov
    assert get_policy("fixed:policy.base_spread_bps=7").configure(load_config()).policy.base_spread_bps == 7.0
    file = tmp_path / "tuned.yaml"
    file.write_text("policy: {risk_aversion: 0.3, fill_decay: 8}")
    mixed = get_policy(f"as:{file},fill_decay=9").configure(load_config()).policy
    assert (mixed.risk_aversion, mixed.fill_decay) == (0.3, 9.0)


def test_parameters_change_what_is_quoted():
    def bid(name):
        envs = MultiVenueVectorEnv(2, get_policy(name).configure(load_config()))
        envs.reset(seed=0)
        return get_policy(name).explain(envs)["XYZ"]["half_spread"]

    assert bid("fixed:base_spread_bps=20") == pytest.approx(2.0 * bid("fixed:base_spread_bps=10"), rel=1e-6)


def test_a_parameter_out_of_range_is_reported_under_the_name():
    with pytest.raises(
        ConfigError, match=r"^policy as:risk_aversion=-1: policy.risk_aversion: value -1: expected a number from"
    ):
        get_policy("as:risk_aversion=-1").configure(load_config())


def test_a_name_of_several_is_no_single_policy(monkeypatch):
    monkeypatch.setattr(registry, "_registered", {})
    register_policy("pair", PolicyLoader(lambda name, seed: [get_policy("as"), get_policy("fixed")]))
    assert [policy.name for policy in get_policies("pair:somewhere")] == ["as", "fixed"]
    with pytest.raises(UsageError, match="policy 'pair:x': expected one policy; it names 2"):
        get_policy("pair:x")


def test_a_registered_name_is_known_everywhere(monkeypatch):
    monkeypatch.setattr(registry, "_registered", {})
    register_policy("mine", lambda env: np.zeros(env.action_space.shape))
    register_policy("seeded", RandomPolicy)
    assert {"mine", "seeded"} < set(policy_names())
    assert get_policy("mine").name == "mine"
    envs = MultiVenueVectorEnv(2)
    envs.reset(seed=0)
    assert not get_policy("mine").act(envs).any()
    np.testing.assert_array_equal(get_policy("seeded", 5).act(envs), RandomPolicy(5).act(envs))
    np.testing.assert_array_equal(get_policy("seeded:seed=6", 5).act(envs), RandomPolicy(6).act(envs))
    with pytest.raises(UsageError, match="policy 'mine': the name is taken"):
        register_policy("mine", RandomPolicy)
    with pytest.raises(UsageError, match="policy 'as': the name is taken"):
        register_policy("as", RandomPolicy)
    with pytest.raises(UsageError, match="expected a name of letters"):
        register_policy("my:policy", RandomPolicy)
    with pytest.raises(UsageError, match=r"policy 'mine:here': 'here': expected KEY=VALUE"):
        get_policy("mine:here")


def test_entry_points_are_names(monkeypatch):
    entry = EntryPoint("elsewhere", "mm_env.policies.random_policy:RandomPolicy", registry.GROUP)
    monkeypatch.setattr(registry, "_entry_points", lambda: {"elsewhere": entry})
    assert "elsewhere" in policy_names() and get_policy("elsewhere").name == "elsewhere"
    with pytest.raises(UsageError, match="nearest: 'elsewhere'"):
        get_policy("elsewher")


def test_every_algorithm_is_an_entry_point_of_this_package():
    pytest.importorskip("mm_env.learning.algorithms")
    from mm_env.learning.algorithms import ALGORITHMS

    assert set(ALGORITHMS) <= {entry.name for entry in entry_points(group=registry.GROUP)}


@pytest.mark.parametrize("file", sorted(TUNED.glob("*.yaml")), ids=lambda file: file.stem)
def test_a_tuned_file_is_of_the_market_and_the_policy_in_its_name(file):
    market, _, name = file.stem.rpartition("_")
    here = load_config(market)
    assert f"# {name} tuned on the reward of market {config_hash(here)}, on training episodes alone" in file.read_text()
    home = get_policy(f"{name}:{file}").configure(here)
    assert home.policy != here.policy and home.reward == here.reward


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("risk: {portfolio_var_limit: 900}", r"risk\.portfolio_var_limit: expected what is the policy's own"),
        ("reward: {inventory_penalty: 0}", r"reward\.inventory_penalty: expected what is the policy's own"),
        ("policy: 3", "expected the sections policy and risk"),
        ("policy: {risk_aversoin: 0.2}", r"risk_aversoin.*risk_aversion"),
        ("policy: [", "tuned.yaml: "),
    ],
)
def test_a_file_that_says_more_or_nonsense_is_refused(tmp_path, text, said):
    file = tmp_path / "tuned.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=said):
        get_policy(f"as:{file}").configure(load_config())


@pytest.mark.parametrize(
    ("spec", "error", "said"),
    [
        (
            "fixd",
            UsageError,
            r"^policy 'fixd': expected one of as, .*ppo.*, or package.module:Object of your own; nearest: 'fixed'$",
        ),
        ("pppo:runs", UsageError, "nearest: 'ppo'"),
        ("ppo", UsageError, "^policy 'ppo': expected ppo:PATH of a run folder"),
        ("ppo:", UsageError, "^policy 'ppo:': expected ppo:PATH of a run folder"),
        ("ppo:nowhere/*", UsageError, "expected ppo:PATH of a run folder, of a folder of those, or a pattern"),
        ("ppo:nowhere", UsageError, "ppo:nowhere: no such file or folder"),
        ("random:3", UsageError, "policy 'random:3': expected 'random', which takes no argument"),
        ("constant:much", UsageError, "policy 'constant:much': expected a number from -1 to 1"),
        ("constant:1.5", UsageError, "policy 'constant:1.5': expected a number from -1 to 1"),
        ("constant:nan", UsageError, "policy 'constant:nan': expected a number from -1 to 1"),
        ("as:", UsageError, "policy 'as:': expected KEY=VALUE or a file of parameters"),
        (
            "as:risk_aversoin=1",
            UsageError,
            "policy 'as:risk_aversoin=1': unknown key 'risk_aversoin'; nearest: 'risk_aversion'",
        ),
        ("as:as_gamma=1", UsageError, "unknown key 'as_gamma'; renamed to 'risk_aversion' in 0.2.0"),
        ("as:risk.portfolio_var_limit=1", UsageError, "unknown key 'risk.portfolio_var_limit'; "),
        ("as:nowhere.yaml", ConfigError, "nowhere.yaml: No such file"),
        ("as:a\0b", ConfigError, "null"),
        ("as:=3", UsageError, "^policy 'as:=3': '=3': expected KEY=VALUE"),
        ("as:policy.fill_decay=1,fill_decay=2", UsageError, "policy.fill_decay: expected once; it stands twice"),
        ("ppo:" + "x" * 300, UsageError, "^policy 'ppo:x+': File name too long"),
        ("ppo:a\0b", UsageError, "expected ppo:PATH of a run folder"),
        (None, UsageError, "policy None: expected a policy name"),
        (5, UsageError, "policy 5: expected a policy name"),
    ],
)
def test_mistakes_are_told(spec, error, said):
    if str(spec).startswith(("ppo", "pppo")):
        pytest.importorskip("torch")
    with pytest.raises(error, match=said):
        get_policies(spec)


def test_a_file_may_stand_in_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "p.yaml").write_text("policy: {risk_aversion: 0.3}")
    assert get_policy("as:~/p.yaml").configure(load_config()).policy.risk_aversion == 0.3
    with pytest.raises(ConfigError, match=r"~nobody_of_this_name/p\.yaml"):
        get_policy("as:~nobody_of_this_name/p.yaml")


@pytest.mark.parametrize(
    ("text", "name"), [(" as ", "as"), ("as:fill_decay=3, risk_aversion=1", "as:fill_decay=3,risk_aversion=1")]
)
def test_spaces_around_a_name_and_its_settings_do_not_count(text, name):
    assert get_policy(text).name == name


def test_an_entry_point_that_fails_says_where(tmp_path, monkeypatch):
    (tmp_path / "own_entry.py").write_text("\n1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    entry = EntryPoint("elsewhere", "own_entry:Policy", registry.GROUP)
    monkeypatch.setattr(registry, "_entry_points", lambda: {"elsewhere": entry})
    with pytest.raises(UsageError, match=r"^policy 'elsewhere': .*own_entry\.py, line 2: ZeroDivisionError"):
        get_policy("elsewhere")


def test_policies_of_the_package_bring_no_torch():
    code = (
        "import sys, mm_env; [mm_env.get_policy(n) for n in ('as', 'constant:0.1', 'random')]; "
        "import mm_env.cli.compare, mm_env.cli.tune; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_tuned_presets_go_by_their_name_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tuned = get_policy("as:two_symbols_as").configure(load_config(None))
    assert tuned != load_config(None)
    path = parameter_file("two_symbols_as")
    assert path.is_file() and parameter_name(path) == "two_symbols_as"
    assert get_policy(f"as:{path}").configure(load_config(None)) == tuned
    (tmp_path / "mine.yaml").write_text("policy: {risk_aversion: 0.3}\n")
    assert parameter_name(tmp_path / "mine.yaml") == "mine.yaml"
