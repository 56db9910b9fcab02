"""The grammar of policy names: lists, settings, and what is refused."""

import time

import pytest

from mm_env.errors import UsageError
from mm_env.policies.names import read_arguments, split_names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (" as, constant:-0.5 ,ppo:a/b", ["as", "constant:-0.5", "ppo:a/b"]),
        ("as:k=12,gamma=0.1,fixed", ["as:k=12,gamma=0.1", "fixed"]),
        ("as:tuned.yaml,k=1,as", ["as:tuned.yaml,k=1", "as"]),
        ("a.b:C:x=[1,2],y={z: 1, w: 2},a.b:C:x='1,2'", ["a.b:C:x=[1,2],y={z: 1, w: 2}", "a.b:C:x='1,2'"]),
        ("ppo:runs/lr=3,as", ["ppo:runs/lr=3", "as"]),
    ],
)
def test_a_setting_belongs_to_the_policy_before_it(text, names):
    assert split_names(text) == names


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("as,fixed,as", "expected at least one, each once; twice: as"),
        (" , ", "policies ' , ': expected at least one, each once"),
        ("fixed,k=3", "'k=3' follows no policy with a colon; expected NAME:k=3"),
        ("k=3", "follows no policy"),
        ("as:k=[1,fixed", r"'as:k=\[1,fixed': bracket not closed"),
        (["as", " as "], "each once; twice: as"),
        ([], "expected at least one"),
        (None, "policies None: expected policy names"),
        (["as", 5], "expected policy names, separated by commas or in a list"),
    ],
)
def test_lists_that_are_refused(text, said):
    with pytest.raises(UsageError, match=said):
        split_names(text)


def test_a_list_may_be_a_sequence():
    assert split_names(["as", " as:k=1, gamma=2"]) == ["as", "as:k=1,gamma=2"]


def test_a_long_list_takes_no_long_time():
    names = [f"as:k={k}" for k in range(20_000)]
    begun = time.perf_counter()
    assert split_names(",".join(names)) == names
    assert split_names("a" * 300_000) == ["a" * 300_000]
    assert time.perf_counter() - begun < 5.0


def test_arguments_are_a_path_and_settings_of_yaml():
    assert read_arguments("as:", "a/b.yaml") == ("a/b.yaml", {})
    assert read_arguments("as:", "f.yaml,x=1e-3,y=[1, 2],z=no,w=") == (
        "f.yaml",
        {"x": 1e-3, "y": [1, 2], "z": "no", "w": None},
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x=1,x=2", "policy 'p': x: expected once"),
        ("x=1,f.yaml", "policy 'p': 'f.yaml': expected KEY=VALUE"),
        ("x=[1", "policy 'p': x: value '\\[1': expected YAML"),
    ],
)
def test_arguments_that_are_refused(text, said):
    with pytest.raises(UsageError, match=said):
        read_arguments("p", text)
