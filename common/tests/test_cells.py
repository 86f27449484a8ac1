"""Cells that leave the house run in no spreadsheet, and come back as they were."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.admin import cells


@pytest.mark.parametrize(
    "text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x")']
)
def test_what_a_spreadsheet_would_run_leaves_as_text(text):
    assert cells.guarded(text) == f"'{text}"


@pytest.mark.parametrize("cell", ["-5", "+8613800000000", "-0.50", "代码一", "2027-01-31", "", None, -5, "a=b"])
def test_numbers_and_words_leave_as_they_are(cell):
    assert cells.guarded(cell) == cell


@given(st.text("'=+-@\t\r1.a", max_size=6))
def test_every_cell_comes_back_as_it_left(text):
    assert cells.plain(cells.guarded(text)) == text


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_file_is_read_with_the_delimiter_of_its_header(delimiter, encoding):
    text = f"reward{delimiter}code\nvideo{delimiter}代码\n"
    read = cells.CSV().create_dataset(text.encode(encoding))
    assert read.dict == [{"reward": "video", "code": "代码"}]
