"""Cash, positions and the cost of trading, from nothing but the list of fills, in exact fractions."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

MAKER = 0


@dataclass
class Ledger:
    """Sums over fills. lot_value: [currency] of a tick on a lot, by symbol; fees: fraction of value, by venue."""

    lot_value: list[float]
    maker_fee: list[float]
    taker_fee: list[float]
    cash: Fraction = Fraction(0)
    gross: float = 0.0
    position: dict[tuple[int, int], int] = field(default_factory=dict)
    edge: dict[int, Fraction] = field(default_factory=dict)
    fees: dict[tuple[int, bool], Fraction] = field(default_factory=dict)

    def book(self, symbol: int, venue: int, side: int, role: int, price: int, lots: int, mid: float) -> None:
        """Book one fill: side 0 buys; price and mid in the venue's ticks."""
        sign = 1 if side == 0 else -1
        value = Fraction(price) * lots * Fraction(self.lot_value[symbol])
        rate = (self.maker_fee if role == MAKER else self.taker_fee)[venue]
        self.cash -= sign * value + Fraction(rate) * value
        self.gross += abs(float(value))
        self.position[symbol, venue] = self.position.get((symbol, venue), 0) + sign * lots
        edge = sign * (Fraction(mid) - price) * lots * Fraction(self.lot_value[symbol])
        self.edge[role] = self.edge.get(role, Fraction(0)) + edge
        paid = role == MAKER, rate < 0.0
        self.fees[paid] = self.fees.get(paid, Fraction(0)) + Fraction(rate) * value

    def inventory(self, symbol: int) -> int:
        """Lots held, over venues."""
        return sum(lots for (i, _), lots in self.position.items() if i == symbol)
