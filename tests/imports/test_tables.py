"""A CSV file and a mapping in, checked entries out: without a database."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import pytest

from pathway import errors
from pathway.engine import content
from pathway.engine.tables import cells, mapping, results, visits
from pathway.engine.tables.mapping import Known, Results, Visits
from pathway.engine.tables.reading import MAX_LINE_BYTES, Refusal, Table, TableError
from pathway.engine.yamltext import ContentError

DATA = Path(__file__).parent / "data"
FIXTURES = Path(__file__).parents[2] / "fixtures"
ALS = FIXTURES / "mappings" / "als_longitudinal.yaml"


@pytest.fixture(scope="module")
def known() -> Known:
    shipped = content.read(FIXTURES)
    return Known(shipped.vocabulary, set(shipped.pathways), set(shipped.rule_sets))


@pytest.fixture(scope="module")
def als(known: Known) -> Visits:
    found = mapping.read(ALS, known)
    assert isinstance(found, Visits)
    return found


def table(raw: bytes, **more: object) -> Table:
    return Table(io.BytesIO(raw), file="t.csv", **more)  # type: ignore[arg-type]


def stories(known: Known, als: Visits, raw: bytes) -> tuple[list[visits.Story], list[str]]:
    refused: list[Refusal] = []
    found = visits.stories(table(raw).rows(), als, known.vocabulary.catalogue, refused.append)
    return list(found), [str(one) for one in refused]


def altered(old: str, new: str, times: int = 1) -> bytes:
    text = (DATA / "visits.csv").read_text()
    assert old in text
    return text.replace(old, new, times).encode()


# bytes and lines


def test_a_row_knows_its_line_though_a_quoted_cell_spans_two() -> None:
    rows = list(table(b'a,b\n1,"x\ny"\n\n3,=1+1\n').rows())
    assert [(row.line, dict(row.cells)) for row in rows] == [
        (2, {"a": "1", "b": "x\ny"}),
        (5, {"a": "3", "b": "=1+1"}),
    ]


def test_a_byte_order_mark_and_windows_line_ends_are_no_part_of_the_cells() -> None:
    found = table(b"\xef\xbb\xbfa,b\r\n1,2\r\n")
    assert found.header == ("a", "b")
    assert [dict(row.cells) for row in found.rows()] == [{"a": "1", "b": "2"}]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "t.csv: is empty"),
        (b"a,a\n", "t.csv:1: column 'a' occurs twice"),
        (b"a,,b\n", "t.csv:1: column 2 has no name"),
        (b"a,b\n1,caf\xe9\n", "t.csv:2: is not UTF-8 text, at byte 10 of the file"),
        ("a,b\n".encode("utf-16"), "t.csv:1: is not UTF-8 text, at byte 1 of the file"),
        (b"a,b\n1,\0\n", "t.csv:2: holds a NUL, at byte 7 of the file"),
        (b'a,b\n1,"x"y\n', "t.csv:2: is not CSV"),
        (b'a,b\n1,"x\n', "t.csv:2: is not CSV"),
        (b",".join(b"c%d" % n for n in range(101)), "t.csv:1: has 101 columns, more than 100"),
        (b"a\n" + b"x" * (MAX_LINE_BYTES + 1), "t.csv:2: is longer than 1000000 bytes"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_its_place(raw: bytes, message: str) -> None:
    with pytest.raises(TableError) as caught:
        list(table(raw).rows())
    assert str(caught.value).startswith(message)


def test_the_row_after_the_last_allowed_one_is_refused() -> None:
    assert len(list(table(b"a\n1\n2\n", max_rows=2).rows())) == 2
    with pytest.raises(TableError, match="t.csv:4: has more than 2 rows"):
        list(table(b"a\n1\n2\n3\n", max_rows=2).rows())


def test_rows_are_read_as_they_are_asked_for() -> None:
    lines = b"a\n" + b"1\n" * 100_000
    found = table(lines, max_rows=200_000)
    next(found.rows())
    assert found.bytes_read < len(lines) / 100


def test_a_row_with_too_few_cells_is_a_problem_of_that_row() -> None:
    ragged, whole = table(b"a,b\n1\n1,2\n").rows()
    assert (ragged.line, ragged.problem, whole.problem) == (2, "has 1 cells, the header has 2", "")


# cells


def test_numbers_are_the_same_word_however_they_are_written() -> None:
    assert {cells.word(text) for text in ("0", "0.0", "-0", "+0.00", "0.")} == {"0"}
    assert (cells.word("10.50"), cells.word("4A"), cells.word("9" * 50)) == ("10.5", "4A", "9" * 50)


@pytest.mark.parametrize(("text", "answer"), [("", None), ("0.0", False), ("1", True)])
def test_an_empty_switch_is_neither_on_nor_off(text: str, answer: bool | None) -> None:
    assert cells.switch(text, "niv") is answer


def test_a_switch_that_is_neither_names_its_column() -> None:
    with pytest.raises(errors.InvalidEntry) as caught:
        cells.switch("2", "niv")
    assert caught.value.field == "niv"


def test_a_time_without_its_zone_is_refused_and_a_day_is_a_day() -> None:
    assert cells.moment("2024-02-29", "taken") == date(2024, 2, 29)
    for wrong in ("2024-02-29T10:00:00", "29/02/2024", "2023-02-29", ""):
        with pytest.raises(errors.InvalidEntry):
            cells.moment(wrong, "taken")


# the mapping


def changed_mapping(tmp_path: Path, old: str, new: str) -> Path:
    text = ALS.read_text()
    assert old in text
    path = tmp_path / "map.yaml"
    path.write_text(text.replace(old, new, 1))
    return path


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("code: fvc-pct", "code: fvc-pkt", "unknown observation 'fvc-pkt' (did you mean 'fvc-pct'?)"),
        ('unit: "%"', "unit: L", "unknown unit 'L'"),
        ('    unit: "%"\n', "", "observations[1].unit: is missing"),
        ("reference: device", "reference: any", "unknown reference 'any'"),
        ("5a: {", "5c: {", "is no item of this form"),
        ("0: als-limb", "0: als-lamb", "unknown pathway 'als-lamb'"),
        ("niv: niv", "nif: niv", "unknown intervention 'nif'"),
        ("nice-ng42]", "nice-ng43]", "unknown rule set 'nice-ng43'"),
        ("estimated: true", "estimated: false", "a birth date made from an age is an estimate"),
        ("shape: visits", "shape: wide", "unknown shape 'wide'"),
        ("  ftd: no code", "  ftd: no code\n  niv: no", "niv is used by this mapping"),
        ("months: visit_time", "month: visit_time", "visit.months: is missing"),
        ("title: ALS", "tittle: x\ntitle: ALS", "unknown key"),
    ],
)
def test_a_mapping_that_names_what_does_not_exist_is_refused(
    tmp_path: Path, known: Known, old: str, new: str, message: str
) -> None:
    with pytest.raises(ContentError) as caught:
        mapping.read(changed_mapping(tmp_path, old, new), known)
    assert message in str(caught.value)
    assert str(caught.value).startswith("map.yaml:")


def test_missing_and_unknown_columns_are_named_and_left_out_ones_may_be_absent(als: Visits) -> None:
    header = table((DATA / "visits.csv").read_bytes()).header
    assert mapping.problems_of_header(als, header) == []
    without = [name for name in header if name not in ("ftd", "alsfrs_7")] + ["weight"]
    missing, unknown = mapping.problems_of_header(als, without)
    assert "'alsfrs_7' is missing" in missing
    assert "'weight' is unknown" in unknown


# visits


def test_rows_become_stories_with_visits_by_day(known: Known, als: Visits) -> None:
    found, refused = stories(known, als, (DATA / "visits.csv").read_bytes())
    assert refused == []
    assert [(one.key, one.pathway, one.sex, len(one.visits)) for one in found] == [
        ("P_01", "als-limb", "unknown", 3),
        ("P_02", "als-bulbar", "unknown", 2),
        ("P_03", "als-limb", "unknown", 2),
        ("P_04", "als-limb", "unknown", 3),
    ]
    assert found[0].birth_date == date(1954, 1, 15)
    assert found[1].birth_date == date(1944, 7, 15)  # 70.5 years
    assert [visit.day for visit in found[1].visits] == [date(2015, 1, 15), date(2015, 5, 15)]


def test_item_5_has_its_second_form_from_the_visit_with_a_gastrostomy(known: Known, als: Visits) -> None:
    found, _ = stories(known, als, (DATA / "visits.csv").read_bytes())
    before, after = found[1].visits
    assert before.form[0].entry.items["5a"] == "4.0" and "5b" not in before.form[0].entry.items
    assert after.form[0].entry.items["5b"] == "3.0" and "5a" not in after.form[0].entry.items
    assert (before.begun, after.begun) == ((), ("gastrostomy",))


def test_empty_items_are_missing_and_baseline_values_belong_to_the_first_visit(known: Known, als: Visits) -> None:
    found, _ = stories(known, als, (DATA / "visits.csv").read_bytes())
    first, later = found[2].visits
    assert first.form[0].entry.items["1"] is None
    assert [one.code for one in first.form] == ["alsfrs-r", "fvc-pct"]
    assert [one.code for one in later.form] == ["alsfrs-r"]
    assert [one.code for one in found[1].visits[0].form] == ["alsfrs-r"]  # no FVC given


def test_a_form_without_any_answer_is_no_form(known: Known, als: Visits) -> None:
    answers = "4.0,4.0,4.0,4.0,4.0,4.0,4.0,3.0,3.0,4.0,4.0,4.0"
    found, refused = stories(known, als, altered(answers, "," * 11))
    assert refused == []
    assert [one.code for one in found[0].visits[0].form] == ["fvc-pct"]


def test_an_empty_switch_is_told_and_two_visits_of_one_month_have_keys_of_their_own(known: Known, als: Visits) -> None:
    found, _ = stories(known, als, (DATA / "visits.csv").read_bytes())
    last = found[3].visits
    assert [visit.unclear for visit in last] == [(), (), ("peg",)]
    assert [visit.form[0].source_id for visit in last] == ["P_04/0/alsfrs-r", "P_04/2/alsfrs-r", "P_04/2#2/alsfrs-r"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("61.0,3.0,0.0", "61.0,3.5,0.0", "line 3, visit_time: is a whole number from 0 to 1200: '3.5'"),
        ("61.0,3.0,0.0", "61.0,-3,0.0", "line 3, visit_time: is a whole number from 0 to 1200: '-3'"),
        ("61.0,3.0,0.0", "62.0,3.0,0.0", "line 3, onset_age: differs from line 2 of the same patient"),
        ("61.0,3.0,0.0", "61.0,3.0,x", "line 3, niv: is 0, 1 or empty: 'x'"),
        ("61.0,0.0,0.0", "61.0,0.0,1.0", "line 3, niv: is 0 after it was 1"),
        ("\nP_02,", "\n,", "line 5, subID: is empty"),
        ("\nP_04,1.0,26.0,25.0,77.0,0.0,,0.0,0.0,48.0,0.0", "\nP_01,1,26,25,77,0,,0,0,48,0", "line 9, subID: the rows"),
        (",0.0,55.0,0.0", ",2.0,55.0,0.0", "line 7, onset_site: is one of 0, 1 in the mapping: '2.0'"),
        ("P_03,,,,101.5,,,,0.0,55.0,0.0", "P_03,,,,101.5,,,,0.0,155,0.0", "line 7, onset_age: is an age from 0 to 120"),
        ("P_03,,,,101.5,,,,0.0,55.0,0.0", "P_03,101.5,0.0", "line 7: has 17 cells"),
    ],
)
def test_a_row_that_cannot_be_taken_is_named_with_line_and_column(
    known: Known, als: Visits, old: str, new: str, message: str
) -> None:
    _, refused = stories(known, als, altered(old, new))
    assert any(one.startswith(message) for one in refused), refused


# single results


def lab(known: Known, raw: bytes) -> tuple[list[results.Result], list[str]]:
    found = mapping.read(DATA / "results.yaml", known)
    assert isinstance(found, Results)
    refused: list[Refusal] = []
    rows = results.results(table(raw).rows(), found, known.vocabulary.catalogue, refused.append)
    return list(rows), [str(one) for one in refused]


def test_words_and_units_of_the_table_become_those_of_the_vocabulary(known: Known) -> None:
    found, refused = lab(known, (DATA / "results.csv").read_bytes())
    assert refused == []
    first, _, supine, _, fall = found
    assert (first.prepared.code, first.prepared.entry.value, first.prepared.entry.unit) == ("weight", "154", "[lb_av]")
    assert (supine.prepared.code, supine.prepared.entry.context) == ("fvc-pct", {"posture": "supine"})
    assert fall.prepared.entry.value is True and fall.prepared.entry.unit is None


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("T-1,Potassium,4,mmol/L,2024-01-02,L9,", "line 2, test: 'Potassium' is no observation that is known"),
        ("T-1,Weight,,kg,2024-01-02,L9,", "line 2, result: is empty"),
        (",Weight,70,kg,2024-01-02,L9,", "line 2, mrn: is empty"),
        ("T-1,Weight,70,kg,yesterday,L9,", "line 2, taken: is a day such as 2025-01-31: 'yesterday'"),
        (f"T-1,Weight,70,kg,2024-01-02,{'x' * 129},", "line 2, id: has more than 128 characters"),
    ],
)
def test_a_result_that_cannot_be_taken_is_named_with_line_and_column(known: Known, row: str, message: str) -> None:
    found, refused = lab(known, f"mrn,test,result,unit,taken,id,posture\n{row}\n".encode())
    assert (found, refused) == ([], [message])


def test_a_row_key_that_occurs_twice_is_refused_the_second_time(known: Known) -> None:
    found, refused = lab(known, (DATA / "results.csv").read_bytes().replace(b",L4,", b",L1,"))
    assert len(found) == 4
    assert refused == ["line 5, id: 'L1' stands on line 2 already"]
