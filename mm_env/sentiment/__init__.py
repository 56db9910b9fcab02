"""Sentiment: scorers of headlines, the bundled headlines, tapes of news, and how far to trust a score.

The market moves by a headline's true polarity and the agent sees its score alone: a better scorer earns more.

module    | what
--------- | ----
headlines | the bundled headlines with their true polarity
scorers   | text -> score in [-1, 1], by name
linear    | the scorer `tfidf`: n-grams and a logistic regression, its weights in the package
domain    | which figure moved which way, as tokens for it
minilm    | the scorer `minilm`: sentence embeddings beside it
transformer | the scorer `transformer:…`: a sequence classifier from disk
training  | how the weights of the two are made
evaluation | labelled headlines, and how a scorer does on them
cache     | scores kept on disk
confusion | which truth lies behind which score, measured on the bundled headlines
bank      | the bundled headlines of a market's symbols, scored: what Poisson news draws from
reading   | CSV or Parquet -> columns of text
times     | the text of a time -> seconds
rows      | which rows of a file are used, their symbols and polarities
tape      | a file of headlines -> times within an episode, symbols, truths, scores
report    | what became of the rows
"""

from mm_env.errors import TapeError
from mm_env.sentiment.bank import Bank, bundled_bank
from mm_env.sentiment.confusion import Confusion, measure_confusion
from mm_env.sentiment.headlines import Headline, bundled_headlines
from mm_env.sentiment.report import TapeReport
from mm_env.sentiment.scorers import NEUTRAL_BAND, PERFECT, SCORER_NAMES, Scorer, class_of, get_scorer
from mm_env.sentiment.tape import Tape, load_tape

__all__ = [
    "NEUTRAL_BAND",
    "PERFECT",
    "SCORER_NAMES",
    "Bank",
    "Confusion",
    "Headline",
    "Scorer",
    "Tape",
    "TapeError",
    "TapeReport",
    "bundled_bank",
    "bundled_headlines",
    "class_of",
    "get_scorer",
    "load_tape",
    "measure_confusion",
]
