"""What a headline of the markets says beyond its words: which figure moved which way, and what the numbers compare.

"Loss narrows" and "sales down to 4.1 mln, compared to 5.2 mln" share no word with what means the same. `normalise` folds
numbers, links and tickers, and adds a token for each such statement, for a bag of words to find.
"""

from __future__ import annotations

import re
from importlib.resources import files

import yaml

_WORDS = {
    name: frozenset(words.split())
    for name, words in yaml.safe_load(
        files("mm_env.sentiment").joinpath("data/domain_words.yaml").read_text("utf-8")
    ).items()
}
_RISES, _FALLS, _WIDENS = _WORDS["rises"], _WORDS["falls"], _WORDS["widens"]
_MORE_IS_GOOD, _MORE_IS_BAD = _WORDS["more_is_good"], _WORDS["more_is_bad"]
_GOOD, _BAD = _WORDS["good"], _WORDS["bad"]
_DENIES = frozenset(("no", "not", "n't", "never", "without"))
_AVERTS = _DENIES | {"avoid", "avoids", "avoided", "despite", "dismisses", "dismissed"}
_REACH = 8  # words between a move and its figure

_LINK = re.compile(r"https?://\S+")
_CASHTAG = re.compile(r"\$[A-Za-z]{1,6}\b")
_WORD = re.compile(r"[a-z][a-z'&-]*")
_NUMBER = r"(?:eur|euro|usd|\$|€|gbp|sek)?\s?(\d[\d,.]*)\s?(?:%|mn|m|mln|million|bn|billion|pct|eur|euro|euros|cents?)?"
_COMPARISONS = (  # pattern, the group of the new number, that of the old one
    (re.compile(rf"to {_NUMBER}\s*(?:from|compared to|compared with|versus)\s*{_NUMBER}"), 1, 2),
    (re.compile(rf"from {_NUMBER}\s*to {_NUMBER}"), 2, 1),
    (
        re.compile(
            rf"{_NUMBER}\s*,?\s*"
            rf"(?:up from|down from|compared to|compared with|as compared to|against|versus|vs\.?|from)\s*{_NUMBER}"
        ),
        1,
        2,
    ),
)
_BEFORE = 60  # characters before a comparison in which its figure is named


def reading_rules() -> bytes:
    """What decides how a headline is read, beside the weights: this module and its words."""
    here = files("mm_env.sentiment")
    return here.joinpath("domain.py").read_bytes() + here.joinpath("data/domain_words.yaml").read_bytes()


def normalise(text: str) -> str:
    """Return a headline in lower case, numbers as 0, with a token for every move and comparison that it states.

    `mvgood`, `mvbad`: a figure moved the good or the bad way; `dirup`, `dirdown`: something moved; `evgood`, `evbad`: a
    telling word; `numgood`, `numbad`: two numbers compared. A negation before a word turns its sense.
    """
    plain = _CASHTAG.sub(" CASHTAG ", _LINK.sub(" ", text).replace("&amp;", "&")).lower()
    words = _WORD.findall(plain)
    tokens = [*_comparison(plain), *_moves(words), *_tells(words)]
    folded = re.sub(r"\d[\d,.]*", " 0 ", re.sub(r"(\d)\s*%", r"\1 pct", plain))
    folded = re.sub(r"\b(no|not|n't|never|without|fails? to|failed to) (\w+)", r"\1 not_\2 \2", folded)
    return " ".join([folded, *tokens])


def _comparison(plain: str) -> list[str]:
    for pattern, new, old in _COMPARISONS:
        found = pattern.search(plain)
        if found:
            now, then = _value(found[new]), _value(found[old])
            if now is None or then is None or now == then:
                return []
            better = (now > then) != ("loss" in plain[max(0, found.start() - _BEFORE) : found.start()])
            return ["numgood" if better else "numbad"] * 2
    return []


def _value(number: str) -> float | None:
    try:
        return float(number.replace(",", "").rstrip("."))
    except ValueError:
        return None


def _moves(words: list[str]) -> list[str]:
    """One token for each word of movement, by the figure nearest to it."""
    figures = [
        (k, 1 if word in _MORE_IS_GOOD else -1) for k, word in enumerate(words) if word in _MORE_IS_GOOD | _MORE_IS_BAD
    ]
    tokens = []
    for k, word in enumerate(words):
        way = 1 if word in _RISES or word in _WIDENS else -1 if word in _FALLS else 0
        if way == 0:
            continue
        if k > 0 and words[k - 1] in _DENIES:
            way = -way
        near = min(figures, key=lambda figure: abs(figure[0] - k) + (0.0 if figure[0] < k else 0.5), default=None)
        if near is None or abs(near[0] - k) > _REACH:
            tokens.append("dirup" if way > 0 else "dirdown")
        else:
            tokens.append("mvgood" if way * near[1] > 0 else "mvbad")
    return tokens


def _tells(words: list[str]) -> list[str]:
    """One token for each word that is good or bad news by itself."""
    tokens = []
    for k, word in enumerate(words):
        if word in _GOOD or word in _BAD:
            averted = any(before in _AVERTS for before in words[max(0, k - 2) : k])
            tokens.append("evgood" if (word in _GOOD) != averted else "evbad")
    return tokens
