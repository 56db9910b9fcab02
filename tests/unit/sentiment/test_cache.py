"""Scores kept on disk: made once for the same texts and weights, anew where anything differs or the disk fails."""

import numpy as np
import pytest

from mm_env.sentiment import cache
from mm_env.sentiment.cache import CHUNK, WORTH_KEEPING, scored, scores_folder


class Counting:
    name, neutral_band = "counting", 0.05

    def __init__(self, key="counting-1"):
        self.key, self.asked = key, 0

    def score(self, texts):
        self.asked += len(texts)
        return np.array([len(text) / 100.0 for text in texts])


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MM_ENV_CACHE", str(tmp_path / "cache"))
    return scores_folder()


TEXTS = [f"headline {k}" for k in range(WORTH_KEEPING)]


def test_the_same_texts_are_scored_once(folder):
    scorer = Counting()
    first = scored(scorer, TEXTS)
    again = scored(scorer, TEXTS)
    assert scorer.asked == len(TEXTS)
    np.testing.assert_array_equal(first, again)
    assert [path.suffix for path in folder.iterdir()] == [".npy"]


@pytest.mark.parametrize(
    ("texts", "key"), [(TEXTS[::-1], "counting-1"), ([*TEXTS[:-1], "other"], "counting-1"), (TEXTS, "counting-2")]
)
def test_other_texts_or_weights_are_scored_anew(texts, key):
    scored(Counting(), TEXTS)
    other = Counting(key)
    np.testing.assert_array_equal(scored(other, texts), [len(text) / 100.0 for text in texts])
    assert other.asked == len(texts)


def test_texts_that_run_into_one_another_differ():
    assert cache._digest(Counting(), ["ab", "c"]) != cache._digest(Counting(), ["a", "bc"])


def test_few_texts_leave_no_file(folder):
    scored(Counting(), TEXTS[:-1])
    assert not folder.exists()


@pytest.mark.parametrize("content", [b"", b"rubbish", b"\x93NUMPY\x01\x00", b"PK\x03\x04zip"])
def test_a_damaged_file_is_made_anew(folder, content):
    scored(Counting(), TEXTS)
    (path,) = folder.iterdir()
    path.write_bytes(content)
    scorer = Counting()
    scored(scorer, TEXTS)
    assert scorer.asked == len(TEXTS)
    assert np.load(path).shape == (len(TEXTS),)


def test_a_file_of_another_length_is_not_believed(folder):
    scored(Counting(), TEXTS)
    (path,) = folder.iterdir()
    np.save(path, np.zeros(3))
    assert len(scored(Counting(), TEXTS)) == len(TEXTS)


def test_a_folder_that_cannot_be_made_costs_only_time(folder):
    folder.parent.mkdir(parents=True)
    folder.write_text("a file stands here")
    scorer = Counting()
    for _ in range(2):
        assert len(scored(scorer, TEXTS)) == len(TEXTS)
    assert scorer.asked == 2 * len(TEXTS)


def test_a_run_that_is_stopped_keeps_the_chunks_it_made():
    class Stopped(Counting):
        def score(self, texts):
            if self.asked:
                raise KeyboardInterrupt
            return super().score(texts)

    texts = [f"text {k}" for k in range(2 * CHUNK + 7)]
    with pytest.raises(KeyboardInterrupt):
        scored(Stopped(), texts)
    scorer = Counting()
    np.testing.assert_array_equal(scored(scorer, texts), [len(text) / 100.0 for text in texts])
    assert scorer.asked == len(texts) - CHUNK
