import pytest
from sqlmodel import Session

from store.errors import RaterNameError
from store.raters import get_rater
from tests.store.factories import NOW


def test_one_name_is_one_rater(session: Session) -> None:
    first = get_rater(session, "Zoë", NOW)
    assert get_rater(session, "  Zoe\u0308 ", NOW).id == first.id != get_rater(session, "Ada", NOW).id


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "a\nb", "a\x00", "a\ud800", "\u202eadA"])
def test_a_name_is_1_to_80_printable_characters(session: Session, name: str) -> None:
    with pytest.raises(RaterNameError, match="1 to 80 printable"):
        get_rater(session, name, NOW)
