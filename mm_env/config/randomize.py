"""Domain randomisation: whether the ranges of a market can be drawn from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import BaseModel, ValidationError

from mm_env.config.keys import Loc, Problem, get, locate, put, shortened

Ranges = Mapping[str, list[float]]
_TAPE_TIMES = ("episode.steps", "episode.step_seconds", "news.tape_seconds_per_second")  # by which a tape is mapped


def randomize_problems(config: BaseModel, randomize: Ranges, taped: bool) -> Iterator[Problem]:
    """Keys under `randomize` that do not exist, are no numbers, or give an invalid market at either end.

    config: the market that holds `randomize`; taped: its headlines come from a tape
    """
    places: dict[str, Loc] = {}
    raw = config.model_dump(exclude={"randomize"})
    for key, bounds in randomize.items():
        loc, (low, high) = ("randomize", key), bounds
        try:
            place = locate(config, key)
        except ValueError as error:
            yield Problem(loc, bounds, f"a known key; {error}")
            continue
        value = get(raw, place) if place[0] != "randomize" else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield Problem(loc, bounds, f"a key that holds one number; this one holds {shortened(value)}")
        elif place in places.values():
            yield Problem(loc, bounds, "each parameter once; another key names this one too")
        elif taped and key in _TAPE_TIMES:
            yield Problem(loc, bounds, "any other key, as the times of news.tape are mapped onto the episode once")
        elif low > high:
            yield Problem(loc, bounds, "[low, high] with low not above high")
        elif isinstance(value, int) and not (low.is_integer() and high.is_integer()):
            yield Problem(loc, bounds, "whole numbers, as the key holds one")
        else:
            places[key] = place
    if len(places) == len(randomize):
        yield from _end_problems(config, randomize, places)


def _end_problems(config: BaseModel, randomize: Ranges, places: dict[str, Loc]) -> Iterator[Problem]:
    for end, side in enumerate(("low", "high")):
        raw = config.model_dump(exclude={"randomize"})
        for key, place in places.items():
            whole = isinstance(get(raw, place), int)
            put(raw, place, int(randomize[key][end]) if whole else randomize[key][end])
        try:
            type(config).model_validate(raw)
        except ValidationError as error:
            for found in error.errors(include_url=False):
                own = [name for name, place in places.items() if place == found["loc"][: len(place)]]
                loc = ("randomize", *own[:1])
                where = ".".join(map(str, found["loc"]))
                value = randomize[own[0]] if own else randomize
                yield Problem(loc, value, f"valid ends; with all at their {side} end {where}: {found['msg']}")
