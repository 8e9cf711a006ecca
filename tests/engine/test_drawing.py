"""A pathway can be looked at: as a drawing, and in words."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from pathway.engine import content, drawing, svg
from pathway.engine.definitions import Pathway
from pathway.engine.drawing import Picture

FIXTURES = Path(__file__).parents[2] / "fixtures"
SHIPPED = content.read(FIXTURES)
SVG = "{http://www.w3.org/2000/svg}"
Box = tuple[float, float, float, float]  # left, top, right, bottom


def picture(pathway: Pathway, routes: set[tuple[str, str]] | None = None) -> Picture:
    forward = {
        (one.code, other.code)
        for track in pathway.tracks
        for one, other in itertools.combinations(track.stages, 2)
        if not one.is_terminal
    }
    return drawing.plan(
        pathway,
        forward if routes is None else routes,
        SHIPPED.rule_sets.values(),
        SHIPPED.activities,
        SHIPPED.interventions.values(),
        SHIPPED.proposals,
    )


def place(picture: Picture, code: str) -> drawing.Place:
    return next(one for line in picture.lines for one in line.places if one.code == code)


def ways(picture: Picture, track: str) -> set[tuple[str, str, bool]]:
    line = next(line for line in picture.lines if line.code == track)
    return {(line.places[w.source].code, line.places[w.target].code, w.is_named) for w in line.ways}


def drawn(picture: Picture) -> ElementTree.Element:
    return ElementTree.fromstring(svg.draw(picture))


def box(rect: ElementTree.Element) -> Box:
    x, y, width, height = (float(rect.attrib[key]) for key in ("x", "y", "width", "height"))
    return x, y, x + width, y + height


def letters(text: ElementTree.Element) -> Box:
    """Where a text stands, by the estimate of its width."""
    size = {"title": svg.TITLE, "track": svg.HEADING, "code": svg.SIZE, "name": svg.SIZE}
    high = size.get(text.attrib["class"], svg.SMALL)
    x, y = float(text.attrib["x"]), float(text.attrib["y"])
    return x, y - 0.75 * high, x + svg.width_of(text.text or "", high), y + 0.2 * high


def overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


ALL = pytest.mark.parametrize("code", sorted(SHIPPED.pathways))


# what a drawing shows


def test_a_stage_shows_what_proposes_it_and_what_enters_it() -> None:
    shown = picture(SHIPPED.pathways["als-limb"])
    assert dict(place(shown, "N1").proposed_by)["core"] == ("NUT-5", "NUT-BMI1", "NUT-RISK2", "EAT-3")
    assert "nice-ng42" in dict(place(shown, "R3").proposed_by)
    assert place(shown, "R4").entered_by == ("Non-invasive ventilation",)
    assert place(shown, "M2").entered_by == ("Manual wheelchair (part-time)", "Powered wheelchair (part-time)")
    assert place(shown, "T4").entered_by == ("stopping the last disease-modifying drug",)


def test_a_drug_that_this_pathway_does_not_offer_is_not_shown() -> None:
    assert "Risdiplam" not in str(place(picture(SHIPPED.pathways["als-limb"]), "T1").entered_by)
    assert not place(picture(SHIPPED.pathways["pma"]), "T1").entered_by


def test_a_stage_shows_what_is_scheduled_in_it_and_what_it_opens() -> None:
    shown = place(picture(SHIPPED.pathways["als-limb"]), "N2")
    told = [str(one).replace(drawing.NO_BREAK, " ") for one in shown.work]
    assert "Weight: every 14 d" in told
    assert "Dietitian review: every 14 d, on entry within 7 d" in told
    assert "Case discussion in the team meeting: once, within 14 d" in told
    assert shown.opens == "Refer for gastrostomy"


def test_the_row_that_holds_where_the_one_before_it_does_not_says_so() -> None:
    shown = place(picture(SHIPPED.pathways["als-limb"]), "R1")
    told = [str(one).replace(drawing.NO_BREAK, " ") for one in shown.work if "function tests" in str(one)]
    assert told == [
        "Respiratory function tests and symptom list: every 1 mo, if any-symptom",
        "Respiratory function tests and symptom list: otherwise every 3 mo",
    ]


def test_steps_are_drawn_and_beyond_them_only_ways_to_what_is_named() -> None:
    assert ways(picture(SHIPPED.pathways["als-limb"]), "overall") == {
        ("O1", "O2", True),
        ("O2", "O3", True),
        ("O3", "O4", True),
        ("O4", "O5", False),
        ("O5", "O9", False),
        ("O1", "O3", True),
        ("O1", "O4", True),
    }


def test_a_way_that_is_no_route_is_not_drawn() -> None:
    shown = picture(SHIPPED.pathways["als-limb"], {("O1", "O2"), ("O2", "O4")})
    assert ways(shown, "overall") == {("O1", "O2", True), ("O2", "O4", True)}
    assert ways(shown, "respiratory") == set()


def test_stages_before_the_start_say_that_only_backward_moves_lead_there() -> None:
    shown = picture(SHIPPED.pathways["als-bulbar"])
    assert place(shown, "N0").note == drawing.BEFORE
    assert place(shown, "N1").note == ""
    assert place(shown, "O5").note == drawing.BY_HAND
    assert place(shown, "O9").note == drawing.BY_SERVER


@ALL
def test_the_words_name_every_stage_and_every_activity(code: str) -> None:
    pathway = SHIPPED.pathways[code]
    told = drawing.as_text(picture(pathway))
    for track in pathway.tracks:
        assert f"{track.title} ({track.code})" in told
        assert all(f"  {stage.code} {stage.title}" in told for stage in track.stages)
    assert all(SHIPPED.activities[row.activity].title in told for row in pathway.rows)
    assert told.count("[start]") == len(pathway.tracks)
    assert drawing.NO_BREAK not in told


# how it is drawn


@ALL
def test_a_drawing_is_an_image_with_a_title_and_a_description(code: str) -> None:
    root = drawn(picture(SHIPPED.pathways[code]))
    assert root.attrib["role"] == "img"
    named = {one.attrib["id"]: one for one in root if "id" in one.attrib}
    assert root.attrib["aria-labelledby"].split() == list(named)
    assert SHIPPED.pathways[code].title in (named["title"].text or "")
    assert all(track.title in (named["desc"].text or "") for track in SHIPPED.pathways[code].tracks)
    assert float(root.attrib["width"]) == svg.WIDTH


@ALL
def test_nothing_is_fetched_from_elsewhere(code: str) -> None:
    text = svg.draw(picture(SHIPPED.pathways[code]))
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "@import" not in text and "@font-face" not in text and "<image" not in text


@ALL
def test_every_stage_has_a_box_and_no_two_overlap(code: str) -> None:
    pathway = SHIPPED.pathways[code]
    boxes = [box(one) for one in drawn(picture(pathway)).iter(f"{SVG}rect") if "stage" in one.get("class", "").split()]
    assert len(boxes) == sum(len(track.stages) for track in pathway.tracks)
    assert not [pair for pair in itertools.combinations(boxes, 2) if overlap(*pair)]
    assert all(left >= svg.MARGIN and right <= svg.WIDTH - svg.MARGIN for left, _, right, _ in boxes)


@ALL
def test_no_two_texts_overlap_and_all_are_inside(code: str) -> None:
    root = drawn(picture(SHIPPED.pathways[code]))
    texts = [letters(one) for one in root.iter(f"{SVG}text")]
    assert not [pair for pair in itertools.combinations(texts, 2) if overlap(*pair)]
    bottom = float(root.attrib["height"])
    assert all(left >= 0 and right <= svg.WIDTH and low <= bottom for left, _, right, low in texts)


def test_the_start_is_marked_in_words_and_by_its_edge() -> None:
    root = drawn(picture(SHIPPED.pathways["als-limb"]))
    tracks = len(SHIPPED.pathways["als-limb"].tracks)
    assert sum("initial" in one.get("class", "") for one in root.iter(f"{SVG}rect")) == tracks
    assert sum(one.text == "Start" for one in root.iter(f"{SVG}text")) == tracks


def test_words_of_a_definition_cannot_become_markup() -> None:
    pathway = replace(SHIPPED.pathways["pma"], title='<script>alert("1")</script> & co')
    text = svg.draw(picture(pathway))
    assert "<script" not in text
    title = drawn(picture(pathway)).find(f"{SVG}title")
    assert title is not None and title.text == '<script>alert("1")</script> & co, version 1'


@pytest.mark.parametrize("words", ["short", "two words", "x" * 90, "one " + "y" * 40 + " end", ""])
def test_wrapped_lines_fit_and_lose_nothing(words: str) -> None:
    lines = svg.wrapped(words, 12, 100)
    assert all(svg.width_of(line, 12) <= 100 for line in lines)
    assert "".join(lines).replace(" ", "") == words.replace(" ", "")


def test_a_number_stays_with_its_unit() -> None:
    words = f"every 3{drawing.NO_BREAK}mo"
    assert svg.wrapped(words, 12, svg.width_of("every 3", 12)) == ["every", f"3{drawing.NO_BREAK}mo"]
