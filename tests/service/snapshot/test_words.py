"""The words by which titles are found."""

import pytest

from service.snapshot.words import fold, words_of


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Amélie", "amelie"),
        ("Ame\u0301lie", "amelie"),
        ("ŁÓDŹ", "lodz"),
        ("Straße", "strasse"),
        ("STRASSE", "strasse"),
        ("Ørsted Æther œuvre", "orsted aether oeuvre"),
        ("İstanbul ısı", "istanbul isi"),
        ("Ｆｕｌｌ ｗｉｄｔｈ", "full width"),
        ("ﬁlm", "film"),
        ("Đỗ Þór", "do thor"),
    ],
)
def test_fold_of_accents_case_and_letters_is_what_people_type(text: str, folded: str) -> None:
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Star Wars: Episode IV (1977)", ["star", "wars", "episode", "iv", "1977"]),
        ("l'été_indien", ["l", "ete", "indien"]),
        ("千と千尋 Chihiro", ["千", "と", "千", "尋", "chihiro"]),
        ("  … !? ", []),
        ("", []),
        ("\ud800 a", ["a"]),
        ("Братья 2", ["братья", "2"]),
    ],
)
def test_words_of_many_scripts_are_split(text: str, words: list[str]) -> None:
    assert words_of(text) == words
