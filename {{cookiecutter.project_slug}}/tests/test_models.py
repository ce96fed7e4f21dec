{% if cookiecutter.__style == "async" %}
"""The models, stored in a real database."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import User


async def test_a_user_is_stored(async_session: AsyncSession) -> None:
    user = User()
    async_session.add(user)
    await async_session.commit()
    assert (await async_session.scalars(select(User))).all() == [user]


async def test_what_another_test_has_committed_is_gone(
    async_session: AsyncSession,
) -> None:
    assert await async_session.scalar(select(func.count()).select_from(User)) == 0
{% else %}
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
{% endif %}
