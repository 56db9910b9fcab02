"""mm-env validate: what it prints and writes, and how it tells a miss from a user's mistake."""

import json

import pytest
from typer.testing import CliRunner

from mm_env.cli.app import single
from mm_env.cli.validate import OPTIONS
from mm_env.validation import as2008


def run(*arguments):
    return CliRunner().invoke(single("validate"), [str(argument) for argument in arguments])


def test_figures_of_2008_stand_under_stable_names(tmp_path):
    file = tmp_path / "sub" / "as2008.json"
    arguments = ("--section", "as2008", "--gamma", 0.5, "--sigma", 3, "--episodes", 4000, "--seed", 3)
    result = run(*arguments, "--out", tmp_path / "out", "--json", file)
    assert result.exit_code == 0, result.output
    found = json.loads(file.read_text())
    assert found == json.loads((tmp_path / "out" / "validate.json").read_text())
    for strategy, profit in (("inventory", 28.946), ("symmetric", 36.964)):
        part = found[strategy]
        for kind in ("simulated", "exact", "standard_error"):
            assert list(part[kind]) == ["profit", "profit_sd", "inventory_sd"]
        assert part["exact"]["profit"] == pytest.approx(profit, abs=5e-4)
        for name, error in part["standard_error"].items():
            assert 0 < abs(part["simulated"][name] - part["exact"][name]) < 4 * error
    assert found["parameters"]["gamma"] == 0.5 and found["parameters"]["k"] == 1.5 and found["passed"] is True
    assert "8 of 8 checks agree" in result.stdout and "inventory: final q sd" in result.stdout
    again = run(*arguments, "--out", tmp_path / "again")
    assert again.stdout == result.stdout  # a seed is all its randomness


def test_several_sections_are_keyed_by_name(tmp_path):
    result = run("--section", "as2008,var", "--episodes", 2000, "--out", tmp_path, "--markdown", "--published")
    assert result.exit_code == 0, result.output
    found = json.loads((tmp_path / "validate.json").read_text())
    assert list(found) == ["as2008", "var"] and found["as2008"]["inventory"]["exact"]["profit"] == pytest.approx(
        64.893, abs=5e-4
    )
    assert "| inventory: exact profit | 64.893 |" in result.stdout and "share accepted" not in result.stdout
    assert "\n[" not in result.stdout and "[var] 2 of 2" in result.stderr


def test_a_classic_market_may_stand_in_for_the_publication(tmp_path):
    market = tmp_path / "market.yaml"
    market.write_text("mid: {volatility: 1.0}\npolicy: {risk_aversion: 0.3}\nepisode: {inventory_limit: 10}\n")
    result = run("--config", market, "--section", "as2008", "--gamma", 0.2, "--episodes", 1000, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    given = json.loads((tmp_path / "validate.json").read_text())["parameters"]
    assert (given["sigma"], given["limit"], given["gamma"], given["k"]) == (1.0, 10, 0.2, 1.5)


def test_a_miss_is_told_and_exits_with_1(tmp_path, monkeypatch):
    monkeypatch.setitem(as2008.EXACT["inventory"], "profit_sd", "6.530")  # the move before the fills
    result = run("--section", "as2008", "--episodes", 2000, "--out", tmp_path)
    assert result.exit_code == 1 and "15 of 16 checks agree" in result.stdout
    assert "missed:\nas2008: inventory: exact profit sd" in result.stderr
    assert json.loads((tmp_path / "validate.json").read_text())["passed"] is False


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--config", "as2009"], "as2009: no such file or preset; nearest: 'as2008'"),
        (["--config", "hawkes"], "--config hawkes: flow.arrivals 'hawkes'; expected 'poisson'"),
        (["--section", "as2009"], "--section 'as2009': expected one of 'as2008'"),
        (["--section", "as2008", "--phi", "1"], "--phi 1.0: no parameter of section as2008; expected with 'cj'"),
        (["--section", "as2008", "--gamma", "-1"], "section as2008: configuration: policy.risk_aversion: value -1.0"),
        (["--section", "as2008", "--dt", "0.3"], "episode.step: value 0.3"),
        (["--section", "as2008", "--fill-rule", "cubic"], "--fill-rule 'cubic': expected one of 'linear', 'exponential'"),
        (["--section", "glft", "--q", "40"], "section glft: q 40; expected a number from -29 to 29"),
        (["--section", "hawkes", "--hawkes-alpha", "60"], "section hawkes: branching ratio 1; expected a number below 1"),
        (["--section", "hawkes", "--tau", "0"], "section hawkes: tau 0; expected a number above 0"),
        (["--section", "signature", "--hawkes-mu", "0"], "section signature: hawkes_mu 0; expected a number above 0"),
        (["--section", "var", "--probability", "1.5"], "expected 0 to as many as periods"),
        (["--log-level", "loud"], "--log-level 'loud': expected one of 'debug', 'info', 'warning', 'error'"),
        (["--json", "."], "--json .: cannot be a file"),
    ],
)
def test_a_mistake_exits_with_2_and_no_traceback(tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == 2 and said in result.stderr and result.stdout == ""
    assert "Traceback" not in result.output


def test_every_parameter_has_an_option():
    from dataclasses import fields

    from mm_env.validation.sections import SECTIONS

    assert {field.name for kind in SECTIONS.values() for field in fields(kind)} == set(OPTIONS)
