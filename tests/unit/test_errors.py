"""One tree of errors, the nearest known name, and the check of a choice."""

import importlib
import inspect
import pkgutil

import pytest

import mm_env
from mm_env import errors
from mm_env.errors import Error, UsageError, check_choice, nearest, nearest_hint, one_of, suggestion

_OUTSIDE = {
    "mm_env.interrupt.Stopped",  # asks for an end, and reports no mistake
    "mm_env.network.ServerBusy",  # is caught where it is raised
    "mm_env.policies.own.NoSuchModuleError",  # a UsageError, which the registry tells from others
    "mm_env.sim.batch.SimulationFault",  # reports a bug; `sim` imports nothing of the package
}


def test_every_error_of_the_package_stands_in_the_one_tree_and_in_its_docstring():
    named = {name: kind for name, kind in vars(errors).items() if inspect.isclass(kind) and issubclass(kind, Exception)}
    assert named and all(issubclass(kind, Error) for kind in named.values())
    assert all(name in str(errors.__doc__) for name in named)
    assert mm_env.Error is Error


def test_no_room_has_an_error_of_its_own():
    found = set()
    for module in pkgutil.walk_packages(mm_env.__path__, "mm_env."):
        if module.name.startswith(("mm_env.learning", "mm_env.dashboard", "mm_env.__main__")):
            continue  # they need extras
        for name, kind in vars(importlib.import_module(module.name)).items():
            if inspect.isclass(kind) and issubclass(kind, Exception) and kind.__module__ == module.name:
                found.add(f"{module.name}.{name}")
    assert {name for name in found if not name.startswith("mm_env.errors.")} == _OUTSIDE


@pytest.mark.parametrize(
    "kind",
    [errors.ConfigError, errors.UsageError, errors.DataError, errors.TapeError, errors.RunError, errors.EstimationError],
)
def test_a_wrong_value_is_a_value_error_as_well(kind):
    assert issubclass(kind, ValueError)
    assert issubclass(errors.MissingExtraError, ImportError)


def test_nearest_name_whatever_the_case_and_spaces():
    assert nearest(" HEADLINES", ["time", " Headline "]) == " Headline "
    assert nearest("q", ["headline"]) is None
    assert nearest("polarty", ["polarity"], cutoff=0.99) is None
    assert nearest_hint("Symbl", ["symbol", "step"]) == "; nearest: 'symbol'"
    assert nearest_hint("q", ["headline"]) == ""


def test_suggestion_is_the_nearest_or_all():
    assert suggestion("stp", ["step", "symbol"]) == "nearest: 'step'"
    assert suggestion("q", ["step", "symbol"]) == "expected one of 'step', 'symbol'"
    assert one_of(["step"]) == "'step'"


def test_choice_is_named_with_its_value_and_the_nearest():
    check_choice("mode", "fast", ["fast", "slow"])
    with pytest.raises(UsageError, match=r"^mode 'fats': expected one of 'fast', 'slow'; nearest: 'fast'$"):
        check_choice("mode", "fats", ["fast", "slow"])
    with pytest.raises(UsageError, match=r"^mode 3: expected 'fast'$"):
        check_choice("mode", 3, ["fast"])
