"""Numbers as people write them: with a decimal comma, with groups of thousands, with signs of currencies."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from configs.file_format import FileFormat
from pipeline.reading import columns
from pipeline.reading.bad_rows import Problems

PLAIN = {"7": 7, "7.5": 7.5, "-7.5": -7.5, "+7": 7, " 7 ": 7, ".5": 0.5, "1e3": 1000, "1234567": 1234567}


def read(texts: list[str], **form: Any) -> list[float | None]:
    problems = Problems.none(len(texts))
    found = columns.numbers(pa.chunked_array([pa.array(texts)]), "price", FileFormat(**form), problems)
    return [float(number) if good else None for number, good in zip(found, problems.good, strict=True)]


@pytest.mark.parametrize(
    ("form", "numbers", "others"),
    [
        ({}, PLAIN, ["$7.50", "3,50", "1 234", "1,234", "—", "7.5 EUR", "", "1.2.3"]),
        ({"decimal": ","}, {"3,50": 3.5, "-3,5": -3.5, "7": 7, ",5": 0.5, "1e3": 1000}, ["3.50", "1.234,5", "3,5,0"]),
        (
            {"thousands": ","},
            {**PLAIN, "1,234": 1234, "-1,234,567.89": -1234567.89},
            ["1,23", "12,34,567", "1234,567", ","],
        ),
        (
            {"decimal": ",", "thousands": "."},
            {"1.234,50": 1234.5, "1.234": 1234, "3,5": 3.5, "1234,5": 1234.5},
            ["1.23", "3.5"],
        ),
        ({"thousands": " "}, {"1 234": 1234, "1\u00a0234\u202f567.5": 1234567.5, "1234": 1234}, ["1 23", "1  234"]),
        ({"thousands": "'"}, {"1'234.50": 1234.5}, ["1'23"]),
        (
            {"number_signs": ["$", "EUR", "€", "%"]},
            {**PLAIN, "$7.50": 7.5, "-$7.50": -7.5, "$ 7": 7, "7 EUR": 7, "7€": 7, "12 %": 12, "EUR7": 7},
            ["USD 7", "$", "7 $ 8", "$€"],
        ),
        (
            {"decimal": ",", "thousands": ".", "number_signs": ["€"]},
            {"1.234,50 €": 1234.5, "€ 3,50": 3.5, "€-3,50": -3.5},
            ["1.234.50 €"],
        ),
    ],
)  # fmt: skip
def test_numbers_in_each_style(form: dict[str, Any], numbers: dict[str, float], others: list[str]) -> None:
    assert read([*numbers, *others], **form) == [*numbers.values(), *[None] * len(others)]


def test_numbers_of_parquet_stay_as_they_are() -> None:
    problems = Problems.none(2)
    column = pa.chunked_array([pa.array([1.5, 2.5])])
    found = columns.numbers(column, "price", FileFormat(decimal=",", thousands="."), problems)
    np.testing.assert_array_equal(found, [1.5, 2.5])
