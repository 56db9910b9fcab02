"""Loading, merging, refusing, overriding and dumping of market files."""

import numpy as np
import pytest

from mm_env.config import MarketConfig, News, Venue
from mm_env.config import io as config_io
from mm_env.config.io import dump_config, load_config, override, preset_names, preset_path
from mm_env.errors import ConfigError


@pytest.fixture
def write(tmp_path):
    def write(text, name="market.yaml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


def refused(source):
    with pytest.raises(ConfigError) as caught:
        load_config(source)
    return str(caught.value)


class TestPresets:
    def test_are_the_five(self):
        assert {"two_symbols", "one_symbol", "five_symbols", "calm", "crisis"} <= set(preset_names())

    @pytest.mark.parametrize("name", preset_names())
    def test_loads_and_opens_with_a_comment(self, name):
        assert load_config(name) == load_config(preset_path(name)) == load_config(str(preset_path(name)))
        assert preset_path(name).read_text(encoding="utf-8").startswith("# ")

    def test_the_default_is_two_symbols_and_all_defaults(self):
        assert load_config() == load_config("two_symbols") == load_config({}) == MarketConfig()
        assert [symbol.name for symbol in load_config().symbols] == ["XYZ", "ABC"]
        assert len(load_config().venues) == 3

    def test_have_the_shapes_that_their_names_say(self):
        one, five = load_config("one_symbol"), load_config("five_symbols")
        assert (len(one.symbols), len(one.venues)) == (1, 1)
        assert (len(five.symbols), len(five.venues)) == (5, 10)
        for field in ("liquidity_share", "maker_fee_bps", "latency_ms", "tick_multiple"):
            assert len({getattr(venue, field) for venue in five.venues}) > 2, field
        assert len(set(five.correlation_matrix()[np.triu_indices(5, 1)])) > 4

    def test_calm_and_crisis_differ_from_the_default_as_they_say(self):
        calm, usual, crisis = load_config("calm"), load_config(), load_config("crisis")
        assert len(calm.regimes) == 1
        assert calm.news.rate_per_hour < usual.news.rate_per_hour < crisis.news.rate_per_hour
        assert max(r.volatility_multiplier for r in crisis.regimes) > usual.regimes[1].volatility_multiplier
        assert min(r.volatility_multiplier for r in crisis.regimes) > usual.regimes[0].volatility_multiplier
        assert min(r.depth_multiplier for r in crisis.regimes) < usual.regimes[1].depth_multiplier
        assert crisis.correlation > usual.correlation
        assert calm.symbols == crisis.symbols == usual.symbols

    def test_an_unknown_one_names_the_nearest_or_lists_all(self):
        with pytest.raises(ConfigError, match=r"^crysis: no such preset; nearest: 'crisis'$"):
            preset_path("crysis")
        with pytest.raises(ConfigError, match=r"^qqq: no such preset; expected one of 'calm', 'crisis', "):
            preset_path("qqq")

    def test_an_installed_package_holds_its_own(self, write, monkeypatch, tmp_path):
        monkeypatch.setattr(config_io, "__file__", str(tmp_path / "mm_env" / "config" / "io.py"))
        write("correlation: 0.25\n", "mm_env/presets/market/shipped.yaml")
        assert preset_names() == ["shipped"]
        assert load_config("shipped").correlation == 0.25
        write("correlation: 0.35\n", "configs/market/checkout.yaml")
        assert preset_names() == ["checkout"]


class TestSources:
    def test_a_market_is_itself(self):
        config = MarketConfig(correlation=0.1)
        assert load_config(config) is config

    def test_a_mapping_lies_over_the_defaults(self):
        config = load_config({"policy": {"risk_aversion": 0.1}})
        assert config == MarketConfig.model_validate({"policy": {"risk_aversion": 0.1}})
        assert config.policy.fill_decay == MarketConfig().policy.fill_decay

    def test_a_mapping_may_hold_sections_tuples_and_numpy_values(self):
        content = {
            "venues": (Venue(name="V", latency_ms=3.0),),
            "policy": {"risk_aversion": np.float64(0.1), "router_top_k": np.int64(3)},
            "correlation": np.array([[1.0, 0.2], [0.2, 1.0]]),
        }
        config = load_config(content)
        assert config.venues == [Venue(name="V", latency_ms=3.0)]
        assert (type(config.policy.risk_aversion), type(config.policy.router_top_k)) == (float, int)
        assert config.correlation == [[1.0, 0.2], [0.2, 1.0]]

    @pytest.mark.parametrize("source", [3, [1], {1, 2}, b"calm"])
    def test_refuses_other_kinds(self, source):
        assert refused(source).endswith("a preset, a path, a mapping or a MarketConfig")

    def test_a_home_directory_is_expanded(self, write, monkeypatch):
        path = write("correlation: 0.25\n")
        monkeypatch.setenv("HOME", str(path.parent))
        assert load_config("~/market.yaml").correlation == 0.25
        assert refused("~nobody-of-that-name/x.yaml").startswith("~nobody-of-that-name/x.yaml: no such file")


class TestUnreadableFiles:
    def test_missing(self, tmp_path):
        assert refused(tmp_path / "five_symbol.yaml") == (
            f"{tmp_path}/five_symbol.yaml: no such file or preset; nearest: 'five_symbols'"
        )

    def test_a_folder(self, tmp_path):
        assert refused(tmp_path) == f"{tmp_path}: cannot be read: Is a directory"

    def test_not_text(self, tmp_path):
        (tmp_path / "x.yaml").write_bytes(b"correlation: \xff\xfe")
        assert refused(tmp_path / "x.yaml").startswith(f"{tmp_path}/x.yaml: cannot be read as UTF-8 text: ")

    @pytest.mark.parametrize(
        "text, expected",
        [
            ("policy:\n  risk_aversion: [1\nrisk: {}\n", "line 3, column 5: malformed YAML: "),
            ("policy:\n\tas_gamma: 1\n", "line 2, column 1: malformed YAML: "),
            (
                "policy: {}\nrisk: {}\npolicy: {}\n",
                "line 3, column 1: malformed YAML: key 'policy' stands twice",
            ),
            ("risk:\n  a: 1\n  a: 2\n", "line 3, column 3: malformed YAML: key 'a' stands twice"),
            ("{}\n---\n{}\n", "line 2, column 1: malformed YAML: "),
            ("policy: !!python/object:os.system {}\n", "line 1, column 9: malformed YAML: "),
            ("episode: {steps: !!int x}\n", "line 1, column 18: malformed YAML: "),
            ("policy: *unknown\n", "line 1, column 9: malformed YAML: "),
            ("a: \x01\n", "malformed YAML: unacceptable character"),
            ("[" * 5000, "malformed YAML: "),
            ("", "the file is empty; expected keys with values, or {} for all defaults"),
            ("# only a comment\n", "the file is empty"),
            ("- name: XYZ\n", "value [{'name': 'XYZ'}]: expected a mapping (key: value) at the top of the file"),
            ("two_symbols\n", "value 'two_symbols': expected a mapping (key: value) at the top of the file"),
        ],
    )
    def test_malformed(self, write, text, expected):
        path = write(text)
        assert refused(path).startswith(f"{path}: {expected}")

    def test_a_byte_order_mark_is_no_matter(self, write):
        assert load_config(write("\ufeffcorrelation: 0.25\n")).correlation == 0.25


class TestScalars:
    @pytest.mark.parametrize("text", ["1e-4", "1.0e-4", "0.0001", "+1E-4", ".0001", "0.000_1"])
    def test_numbers(self, write, text):
        assert load_config(write(f"reward: {{utility_risk_aversion: {text}}}\n")).reward.utility_risk_aversion == 1e-4

    @pytest.mark.parametrize("text, value", [("1000", 1000), ("1_000", 1000), ("0100", 100)])
    def test_whole_numbers(self, write, text, value):
        assert load_config(write(f"episode: {{steps: {text}}}\n")).episode.steps == value

    @pytest.mark.parametrize("name", ["NO", "ON", "y", "2024-01-02", "1:30", "null x", "=", "Ünïcode"])
    def test_names_stay_names(self, write, name):
        assert load_config(write(f"symbols: [{name}]\n")).symbols[0].name == name

    @pytest.mark.parametrize("text", ["yes", "on", "1", "'true'"])
    def test_only_true_and_false_are_true_and_false(self, write, text):
        assert "true or false" in refused(write(f"policy: {{adaptive_tick: {text}}}\n"))


class TestErrors:
    @pytest.mark.parametrize(
        "text, expected",
        [
            ("policy: {risk_aversoin: 1}", "policy: unknown key 'risk_aversoin'; nearest: 'risk_aversion'"),
            ("policy: {RISK_AVERSION: 1}", "policy: unknown key 'RISK_AVERSION'; nearest: 'risk_aversion'"),
            ("risk_aversion: 1", "unknown key 'risk_aversion'; 'risk_aversion' belongs in section 'policy'"),
            ("risk: {risk_aversion: 1}", "risk: unknown key 'risk_aversion'; 'risk_aversion' belongs in section 'policy'"),
            ("risk_aversoin: 1", "unknown key 'risk_aversoin'; nearest: 'risk_aversion' in section 'policy'"),
            (
                "flow: {size_mean_lots: 1}",
                "flow: unknown key 'size_mean_lots'; 'size_mean_lots' belongs in section 'flow.m",
            ),
            ("latency_ms: 1", "unknown key 'latency_ms'; 'latency_ms' belongs in an entry of 'venues'"),
            (
                "policy: {correlation: 1}",
                "policy: unknown key 'correlation'; 'correlation' belongs in the top of the file",
            ),
            (
                "venues: [{name: V, fee: 1}]",
                "venues.V: unknown key 'fee'; expected one of 'name', 'liquidity_share', ",
            ),
            ("1: 2", "unknown key 1; keys are text"),
            ("venues: [{latency_ms: 1}]", "venues.0.name: missing: expected text of 1 to 32 characters"),
            ("symbols: [7]", "symbols.0: value 7: expected text or a mapping (key: value)"),
            ("symbols: []", "symbols: value []: expected a list of 1 to 64 texts or mappings"),
            ("policy:", "policy: value null: expected a mapping (key: value)"),
            ("policy: {router: best}", "policy.router: value 'best': expected 'learning' or 'random'"),
            (
                "news: {tape_seconds_per_second: 0}",
                "news.tape_seconds_per_second: value 0: expected a number from 1e-09 to 1e+12 or null",
            ),
            ("risk: {var_conf: 1}", "risk.var_conf: value 1: expected a number above 0.5 and below 1"),
            ("episode: {steps: 1e400}", "episode.steps: value inf: expected a whole number from 1 to 1e+07"),
            (
                "regimes: [{name: r, transitions: [r]}]",
                "regimes.r.transitions: value ['r']: expected a mapping (key: value)",
            ),
            (
                "regimes: [{name: r, transitions: {r: x}}]",
                "regimes.r.transitions.r: value 'x': expected a number from 0 to 1e+12",
            ),
        ],
    )
    def test_one_line_says_file_key_value_and_what_is_allowed(self, write, text, expected):
        path = write(text)
        message = refused(path)
        assert message.startswith(f"{path}: {expected}")
        assert "\n" not in message

    def test_all_problems_at_once(self, write):
        path = write(
            "policy: {risk_aversion: x, fill_decay: true}\nrisk: {vra_conf: 1}\nvenues: [{name: V, latency_ms: -1}]\n"
        )
        keys = {line.removeprefix(f"{path}: ").split(": ")[0] for line in refused(path).splitlines()}
        assert keys == {"policy.risk_aversion", "policy.fill_decay", "risk", "venues.V.latency_ms"}

    def test_long_values_are_shortened(self, write):
        for value in ("x" * 5000, [1.0] * 5000, {f"k{i}": i for i in range(500)}):
            message = refused({"policy": {"risk_aversion": value}})
            assert len(message) < 250
            assert "..." in message

    def test_entries_go_by_index_where_the_name_is_unclear(self):
        message = refused({"venues": [{"name": "A", "latency_ms": -1}, {"name": "A"}, {"name": "B", "latency_ms": -1}]})
        assert [line.split(": ")[1] for line in message.splitlines()] == [
            "venues.0.latency_ms",
            "venues.B.latency_ms",
        ]


class TestBase:
    def test_mappings_merge_and_lists_replace(self, write):
        write("policy: {risk_aversion: 0.1, fill_decay: 5}\nvenues: [{name: A}, {name: B}]\ncorrelation: 0.2\n", "low.yaml")
        write("base: low.yaml\npolicy: {fill_decay: 6}\nflow: {makers: {queue_reaction: 1.5}}\n", "sub/../mid.yaml")
        top = load_config(write("base: mid.yaml\nvenues: [{name: C}]\nflow: {makers: {size_mean_lots: 7}}\n"))
        assert (top.policy.risk_aversion, top.policy.fill_decay, top.correlation) == (0.1, 6.0, 0.2)
        assert [venue.name for venue in top.venues] == ["C"]
        assert (top.flow.makers.queue_reaction, top.flow.makers.size_mean_lots) == (1.5, 7.0)

    def test_may_be_a_preset_and_stand_in_a_mapping(self, write):
        path = write("base: crisis\ncorrelation: 0.1\n")
        assert load_config(path) == load_config({"base": "crisis", "correlation": 0.1})
        assert load_config(path) == override(load_config("crisis"), {"correlation": 0.1})

    def test_is_relative_to_the_file_that_names_it(self, write, monkeypatch, tmp_path):
        write("correlation: 0.3\n", "a/low.yaml")
        write("base: ../a/low.yaml\n", "b/top.yaml")
        monkeypatch.chdir(tmp_path / "a")
        assert load_config("../b/top.yaml").correlation == 0.3

    def test_ranges_merge_and_can_be_removed(self, write):
        write("randomize: {policy.fill_decay: [1, 2]}\n", "low.yaml")
        more = load_config(write("base: low.yaml\nrandomize: {policy.horizon_seconds: [3, 4]}\n"))
        assert more.randomize == {"policy.fill_decay": [1.0, 2.0], "policy.horizon_seconds": [3.0, 4.0]}
        assert load_config(write("base: low.yaml\nrandomize: {}\n")).randomize == {}

    def test_a_cycle_is_refused(self, write):
        one, two = write("base: two.yaml\n", "one.yaml"), write("base: one.yaml\n", "two.yaml")
        assert refused(one) == (
            f"{two}: base: value 'one.yaml': expected a file that does not lead back here: {one} -> {two} -> {one}"
        )
        itself = write("base: itself.yaml\n", "itself.yaml")
        assert f"lead back here: {itself} -> {itself}" in refused(itself)

    def test_two_ways_to_one_base_are_no_cycle(self, write):
        write("base: two_symbols\n", "low.yaml")
        assert load_config(write("base: low.yaml\n")) == MarketConfig()

    def test_an_error_names_the_file_that_holds_the_key(self, write):
        low = write(
            "policy: {risk_aversion: -1}\nvenues: [{name: A, latency_ms: -1}]\nflow: {hawkes_mu: [1]}\n",
            "low.yaml",
        )
        top = write("base: low.yaml\npolicy: {fill_decay: -1, nonsense: 1}\n")
        assert [tuple(line.split(": ")[:2]) for line in refused(top).splitlines()] == [
            (str(low), "venues.A.latency_ms"),
            (str(low), "policy.risk_aversion"),
            (str(top), "policy.fill_decay"),
            (str(top), "policy"),
        ]

    @pytest.mark.parametrize("value, shown", [("3", "3"), ("[a]", "['a']"), ("", "null"), ("''", "''")])
    def test_refuses_what_names_no_file(self, write, value, shown):
        path = write(f"base: {value}\n")
        assert refused(path) == f"{path}: base: value {shown}: expected a preset or the path of a YAML file"

    def test_a_missing_one_names_the_file_that_asks(self, write):
        path = write("base: crysis\n")
        assert refused(path) == f"{path}: base: value 'crysis': no such file or preset; nearest: 'crisis'"
        assert refused({"base": "crysis"}).startswith("configuration: base: value 'crysis': no such file or preset; ")


class TestTape:
    def test_is_relative_to_its_file(self, write, tmp_path):
        write("news: {source: tape, tape: data/news.csv}\n", "a/low.yaml")
        top = write("base: a/low.yaml\n")
        assert load_config(top).news.tape == str(tmp_path / "a" / "data" / "news.csv")

    def test_of_a_mapping_is_relative_to_the_working_directory(self, monkeypatch, tmp_path):
        monkeypatch.chdir(tmp_path)
        tape = {"source": "tape", "tape": "../news.csv"}
        expected = str(tmp_path.parent / "news.csv")
        assert load_config({"news": tape}).news.tape == expected
        assert override(MarketConfig(), {"news.source": "tape", "news.tape": "../news.csv"}).news.tape == expected

    def test_is_dumped_so_that_it_means_the_same_elsewhere(self, monkeypatch, tmp_path):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "runs").mkdir()
        dump_config(MarketConfig(news=News(source="tape", tape="news.csv")), "runs/config.yaml")
        assert load_config("runs/config.yaml").news.tape == str(tmp_path / "news.csv")

    def test_an_empty_name_is_refused(self):
        assert "news.tape: value ''" in refused({"news": {"source": "tape", "tape": ""}})


def test_an_override_without_its_section_is_told_where_it_belongs():
    with pytest.raises(
        ConfigError,
        match="override: risk_aversion: value 1: unknown key 'risk_aversion'; 'risk_aversion' belongs in section",
    ):
        override(load_config(), {"risk_aversion": 1})
