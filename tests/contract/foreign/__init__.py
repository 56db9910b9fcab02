"""Training scripts as somebody else writes them for continuous control: nothing of this package but the id that they get."""
