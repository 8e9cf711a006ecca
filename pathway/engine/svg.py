"""A drawing of a pathway as SVG: tracks one below the other, stages from left to right, no font of its own.

Lengths are CSS pixels at a width of 1,200. Texts are wrapped by an estimate of their width that errs on the wide
side, so that what fits here fits with every common sans-serif font.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from pathway.engine.drawing import Line, Picture, Place, Way

WIDTH, MARGIN, GAP = 1200, 20, 26
SIZE, SMALL, HEADING, TITLE = 13, 12, 17, 22  # of letters
LEADING, BETWEEN = 1.3, 5  # line height in letters; between paragraphs
WIDEST_BOX = 250
PAD = 7
ARC = 22  # height of one more arc
BOLD = 1.15  # how much wider bold letters are
NARROW, WIDE = frozenset("iljtfrI.,:;'|!()[] -"), frozenset("mwMW%@")

STYLE = """
text { font-family: system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", Arial, sans-serif; fill: #17262b; }
.title { font-size: 22px; font-weight: 700; }
.track { font-size: 17px; font-weight: 700; fill: #0b5563; }
.code { font-size: 13px; font-weight: 700; }
.name { font-size: 13px; }
.work { font-size: 12px; }
.leads { font-size: 12px; fill: #5b3a00; }
.note { font-size: 12px; fill: #3f5157; }
.start { font-size: 12px; font-weight: 700; fill: #ffffff; }
.stage { fill: #f3f6f7; stroke: #4c5f66; stroke-width: 1.5; }
.stage.initial { fill: #dcecef; stroke: #0b5563; stroke-width: 3; }
.stage.terminal { fill: #e6e6e6; }
.flag { fill: #0b5563; }
.rule { stroke: #d3dcdf; stroke-width: 1; }
.way { fill: none; stroke: #0b5563; stroke-width: 1.6; }
.way.hand { stroke: #4c5f66; stroke-dasharray: 4 3; }
"""

LEGEND = (
    "The stage with a thick edge is where patients begin. Solid arrows: a rule proposes the stage and a person "
    "accepts, or an intervention enters it. Dashed arrows: a clinician's move, or a death or withdrawal. "
    "Arcs: stages may be skipped forward; backward moves need a reason and are not drawn."
)


@dataclass(slots=True)
class _Sheet:
    """Elements in the order of drawing, and how far down they reach."""

    y: float = MARGIN
    parts: list[str] = field(default_factory=list)

    def text(self, x: float, y: float, words: str, style: str) -> None:
        self.parts.append(f'<text class="{style}" x="{x:g}" y="{y:g}">{escape(words)}</text>')

    def rect(self, x: float, y: float, width: float, height: float, style: str, radius: int = 4) -> None:
        self.parts.append(
            f'<rect class="{style}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius}"/>'
        )

    def path(self, d: str, style: str) -> None:
        self.parts.append(f'<path class="{style}" d="{d}" marker-end="url(#tip)"/>')


def draw(picture: Picture) -> str:
    """The whole document. Every word of the definitions is escaped."""
    sheet = _Sheet()
    _head(sheet, picture)
    for line in picture.lines:
        _line(sheet, line)
    height = sheet.y + MARGIN
    body = "\n".join(sheet.parts)
    name = f"{picture.title}, version {picture.version}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="title desc" lang="en" '
        f'width="{WIDTH}" height="{height:g}" viewBox="0 0 {WIDTH} {height:g}">\n'
        f'<title id="title">{escape(name)}</title>\n<desc id="desc">{escape(picture.summary)}</desc>\n'
        f"<style>{STYLE}</style>\n"
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0,0 L8,4 L0,8 z" fill="#0b5563"/></marker></defs>\n'
        f'<rect width="{WIDTH}" height="{height:g}" fill="#ffffff"/>\n{body}\n</svg>\n'
    )


def width_of(text: str, size: float) -> float:
    """An estimate on the wide side, in pixels."""
    return sum(_letter(one) for one in text) * size


def wrapped(text: str, size: float, width: float) -> list[str]:
    """Lines no wider than `width`; a word that is wider than that is cut."""
    lines: list[str] = []
    for word in text.split(" "):
        joined = f"{lines[-1]} {word}" if lines else word
        if lines and width_of(joined, size) <= width:
            lines[-1] = joined
        else:
            lines += _cut(word, size, width)
    return lines


def _letter(one: str) -> float:
    if one in WIDE:
        return 0.98
    if one in NARROW:
        return 0.4
    return 0.72 if one.isupper() else 0.62


def _cut(word: str, size: float, width: float) -> Iterator[str]:
    while width_of(word, size) > width and len(word) > 1:
        fits = max(1, next(n for n in range(len(word)) if width_of(word[: n + 1], size) > width))
        yield word[:fits]
        word = word[fits:]
    yield word


def _head(sheet: _Sheet, picture: Picture) -> None:
    sheet.y += TITLE
    sheet.text(MARGIN, sheet.y, f"{picture.title} (version {picture.version})", "title")
    sheet.y += BETWEEN
    _paragraph(sheet, MARGIN, LEGEND, "note", SMALL, WIDTH - 2 * MARGIN)
    sheet.y += SIZE


def _line(sheet: _Sheet, line: Line) -> None:
    """One track: heading, arcs, boxes, and below each box what belongs to it."""
    sheet.y += HEADING
    sheet.text(MARGIN, sheet.y, line.title, "track")
    arcs = [way for way in line.ways if not way.is_step]
    sheet.y += BETWEEN + SMALL + ARC * len(arcs)
    count = max(len(line.places), 1)
    box = min((WIDTH - 2 * MARGIN - GAP * (count - 1)) / count, WIDEST_BOX)
    top, lefts = sheet.y, [MARGIN + n * (box + GAP) for n in range(count)]
    names = [wrapped(place.title, SIZE, box - 2 * PAD) for place in line.places]
    height = 2 * PAD + SIZE * LEADING * (1 + max(map(len, names), default=0))
    for place, left, name in zip(line.places, lefts, names, strict=False):
        _box(sheet, place, name, left, top, box, height)
    for way in line.ways:
        if way.is_step:
            _step(sheet, way, lefts, top + height / 2, box)
    for level, way in enumerate(sorted(arcs, key=lambda way: way.target), 1):
        _arc(sheet, way, lefts, top, box, level, len(arcs))
    below = []
    for place, left in zip(line.places, lefts, strict=False):
        sheet.y = top + height + BETWEEN
        _below(sheet, place, left, box)
        below.append(sheet.y)
    sheet.y = max(below, default=top + height) + SIZE
    sheet.parts.append(f'<path class="rule" d="M{MARGIN},{sheet.y:g} H{WIDTH - MARGIN}"/>')
    sheet.y += SIZE


def _box(sheet: _Sheet, place: Place, name: list[str], left: float, top: float, width: float, height: float) -> None:
    kinds = [kind for kind, is_so in (("initial", place.is_initial), ("terminal", place.is_terminal)) if is_so]
    sheet.rect(left, top, width, height, " ".join(["stage", *kinds]))
    y = top + PAD + SIZE
    sheet.text(left + PAD, y, place.code, "code")
    if place.is_initial:
        flag = width_of("Start", SMALL) * BOLD + PAD
        sheet.rect(left + width - flag - PAD, top + PAD - 2, flag, SMALL + 6, "flag", 3)
        sheet.text(left + width - flag - PAD / 2, top + PAD + SMALL, "Start", "start")
    for words in name:
        y += SIZE * LEADING
        sheet.text(left + PAD, y, words, "name")


def _step(sheet: _Sheet, way: Way, lefts: list[float], y: float, box: float) -> None:
    start, end = lefts[way.source] + box + 2, lefts[way.target] - 2
    sheet.path(f"M{start:g},{y:g} H{end:g}", "way" if way.is_named else "way hand")


def _arc(sheet: _Sheet, way: Way, lefts: list[float], top: float, box: float, level: int, count: int) -> None:
    """Longer ones rise higher and leave further left, so that arcs from one box never cross."""
    start = lefts[way.source] + box * (0.75 - 0.5 * level / (count + 1))
    end = lefts[way.target] + box / 2
    rise = (SMALL + ARC * level) * 1.25  # a cubic curve reaches three quarters of its handles
    sheet.path(f"M{start:g},{top - 2:g} C{start:g},{top - rise:g} {end:g},{top - rise:g} {end:g},{top - 2:g}", "way")


def _below(sheet: _Sheet, place: Place, left: float, width: float) -> None:
    for words, style in _paragraphs(place):
        _paragraph(sheet, left, words, style, SMALL, width)


def _paragraphs(place: Place) -> Iterable[tuple[str, str]]:
    if place.note:
        yield place.note, "note"
    for number, (rule_set, codes) in enumerate(place.proposed_by):
        yield f"{'or' if number else 'Proposed by'} {rule_set}: {', '.join(codes)}", "leads"
    if place.entered_by:
        yield f"Entered by: {'; '.join(place.entered_by)}", "leads"
    if place.opens:
        yield f"Asks: {place.opens}", "leads"
    for work in place.work:
        yield f"• {work}", "work"


def _paragraph(sheet: _Sheet, left: float, words: str, style: str, size: float, width: float) -> None:
    for line in wrapped(words, size, width):
        sheet.y += size * LEADING
        sheet.text(left, sheet.y, line, style)
    sheet.y += BETWEEN
