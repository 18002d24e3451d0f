import pytest

from common.credentials import without_credentials


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://user:secret@host:5000/path failed", "http://***@host:5000/path failed"),
        ("{'uri': 'https://user:sec/ret@host'}", "{'uri': 'https://***@host'}"),
        ("postgresql://user@host and redis://:p@q@host/0", "postgresql://***@host and redis://***@host/0"),
        ("http://host/path, ask someone@example.com", "http://host/path, ask someone@example.com"),
        ("", ""),
    ],
)
def test_without_credentials_hides_what_stands_before_the_host(text: str, expected: str) -> None:
    assert without_credentials(text) == expected
