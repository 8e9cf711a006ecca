"""Motor scales of SMA, the spine, and breathing training."""

from __future__ import annotations

from pathway.engine.chart import Reader, Reading, Result
from pathway.engine.measures.base import YEAR, Family, change, number, rate

FAMILY = Family()


@FAMILY.measure(
    "cobb-rate",
    "Progression of the Cobb angle",
    "(newest - earlier Cobb) x 365.25 / days; earlier at least 84 d back",
    "deg/a",
    1,
)
def cobb_rate(reader: Reader) -> Reading:
    """Degrees per year [M], gap [D]."""
    return rate(reader, "cobb", per=YEAR, at_least_days=84)


def _change(code: str, of: str, title: str, unit: str = "{score}") -> None:
    @FAMILY.measure(code, title, f"{of} - prev({of})", unit)
    def take(reader: Reader) -> Reading:
        """Newest minus the newest of an earlier day; negative = loss [V:MCID]."""
        return change(reader, of)


_change("chop-change", "chop-intend", "Change of CHOP-INTEND")
_change("hine-change", "hine-2", "Change of HINE-2")
_change("hfmse-change", "hfmse", "Change of HFMSE")
_change("rulm-change", "rulm", "Change of RULM")
_change("walk-change", "walk-6min", "Change of walking distance", "m")


def _confirmed(code: str, of: str, title: str, points: int) -> None:
    @FAMILY.measure(code, title, f"of the last three results a, b, c: a - b >= {points} and a - c >= {points}")
    def take(reader: Reader) -> Reading:
        """A loss that a second test confirmed [V:MCID], [D]."""
        newest = reader.newest(of)
        results = reader.usable(of)
        if not newest.is_known or len(results) < 3:
            return reader.reading(None, newest.evidence, [of])
        first, second, third = results[-3:]
        return reader.reading(
            number(first) - number(second) >= points and number(first) - number(third) >= points,
            [first, second, third],
        )


_confirmed("hfmse-confirmed", "hfmse", "Loss of HFMSE confirmed", 3)
_confirmed("rulm-confirmed", "rulm", "Loss of RULM confirmed", 2)


@FAMILY.measure(
    "imt-mip-change",
    "Change of MIP by breathing training",
    "(newest mip after the start - newest mip up to the start of imt-programme) x 100 / the latter",
    "%",
)
def imt_mip_change(reader: Reader) -> Reading:
    """Percent of the pressure before the training [D]; unknown where that pressure was 0."""
    started = [s.started for s in reader.chart.spans if s.code == "imt-programme" and s.started <= reader.chart.today]
    if not started:
        return reader.unknown()
    efforts = reader.usable("mip")
    before = _last([r for r in efforts if r.day <= max(started)])
    after = _last([r for r in efforts if r.day > max(started)])
    if before is None or after is None or not reader.is_valid(after):
        return reader.reading(None, [r for r in (before,) if r], ["mip"])
    if not number(before):
        return reader.reading(None, [after, before])
    return reader.reading((number(after) - number(before)) * 100 / number(before), [after, before])


def _last(results: list[Result]) -> Result | None:
    return results[-1] if results else None
