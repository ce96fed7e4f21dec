"""The models, stored in a real database."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.models import User


def test_a_user_is_stored(session: Session) -> None:
    user = User()
    session.add(user)
    session.commit()
    assert session.scalars(select(User)).all() == [user]


def test_what_another_test_has_committed_is_gone(session: Session) -> None:
    assert session.scalar(select(func.count()).select_from(User)) == 0
