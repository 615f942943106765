"""In whose money figures are said: a currency and a period of pay, with the rate and its day."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mlpaygrade.money.currency import DOLLAR, Period, Rate, Salaries, format_money, from_yearly, to_yearly, usd_to

if TYPE_CHECKING:
    from mlpaygrade.money.pay import PayReading

NO_CONVERSION: Final = Rate(value=1.0, currency=DOLLAR, day=None)
_DOLLAR_SIGN: Final = "$"


@dataclass(frozen=True, slots=True, kw_only=True)
class PayTerms:
    """A currency and a period. salaries: how many months are paid a year, where the period is a month."""

    rate: Rate = NO_CONVERSION
    period: Period = "year"
    salaries: Salaries = 12

    @property
    def currency(self) -> str:
        """ISO 4217."""
        return self.rate.currency

    @property
    def per(self) -> str:
        """The period to follow an amount: "a year", "a month, 14 times a year"."""
        article = "an" if self.period == "hour" else "a"
        times = f", {self.salaries} times a year" if self.period == "month" and self.salaries != 12 else ""
        return f"{article} {self.period}{times}"

    @property
    def said(self) -> str:
        """How dollars a year became these terms, with the day of the rate; "" for dollars a year."""
        parts = [self.rate.said] if self.rate.day else []
        if self.period == "hour":
            parts.append("an hour is a 2,080th of a year (40 hours, 52 weeks)")
        elif self.period == "month":
            parts.append(f"a month is one of {self.salaries} equal salaries a year")
        return "; ".join(parts)

    def of_usd(self, usd: float) -> float:
        """Dollars a year in these terms."""
        return from_yearly(self.rate.from_usd(usd), self.period, salaries=self.salaries)

    def to_usd(self, amount: float) -> float:
        """An amount in these terms in dollars a year."""
        return self.rate.to_usd(to_yearly(amount, self.period, salaries=self.salaries))

    def usd_of(self, reading: "PayReading") -> float:
        """Pay as it was read, in dollars a year: a range counts with its middle; what the text leaves out is as in these terms.

        Raises InputError, with the question, where the text can mean several things.
        """
        salaries = reading.salaries or self.salaries
        yearly = to_yearly(reading.middle, reading.period or self.period, salaries=salaries)
        return usd_to(reading.currency or self.currency).to_usd(yearly)

    def text(self, usd: float) -> str:
        """Dollars a year as an amount in these terms, short: "$141K", "€6,010"."""
        if usd < 0:
            size = self.text(-usd)
            return f"-{size}" if _counts(size) else size
        amount = self.of_usd(usd)
        if self.period == "year" and self.currency == DOLLAR:
            return f"{_DOLLAR_SIGN}{amount / 1000:,.0f}K"
        if self.period == "year":
            thousands = round(amount / 1000)
            if 1 <= thousands < 10:
                return f"{format_money(thousands, self.currency)}K"
            return format_money(1000 * thousands, self.currency, compact=True)
        return format_money(_three_figures(amount), self.currency)

    def range(self, low_usd: float, high_usd: float) -> str:
        """Two amounts: "$120K to $180K"."""
        return f"{self.text(low_usd)} to {self.text(high_usd)}"

    def between(self, low_usd: float, high_usd: float) -> str:
        """Two amounts after "between": "$120K and $180K"."""
        return f"{self.text(low_usd)} and {self.text(high_usd)}"

    def signed(self, usd: float) -> str:
        """A difference with its sign: "+$12K"; without one where it rounds to nothing."""
        said = self.text(usd)
        return f"+{said}" if usd > 0 and _counts(said) else said


DOLLARS: Final = PayTerms()
"""US dollars a year: what the model answers in."""


def pay_terms(currency: str = DOLLAR, period: Period = "year", salaries: Salaries = 12) -> PayTerms:
    """The terms of a currency (ISO 4217) and a period, at the newest rate.

    Raises InputError for a currency without a rate.
    """
    rate = NO_CONVERSION if currency == DOLLAR else usd_to(currency)
    return PayTerms(rate=rate, period=period, salaries=salaries)


def _counts(amount: str) -> bool:
    """Whether an amount in words is more than nothing."""
    return any(digit in amount for digit in "123456789")


def _three_figures(amount: float) -> float:
    """An amount rounded to three figures: 6,013 -> 6,010; 34.567 -> 34.6."""
    return float(f"{amount:.3g}")
