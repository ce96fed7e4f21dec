"""The models, stored in a real database."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import User


async def test_a_user_is_stored(session: AsyncSession) -> None:
    user = User()
    session.add(user)
    await session.commit()
    assert (await session.scalars(select(User))).all() == [user]


async def test_what_another_test_has_committed_is_gone(session: AsyncSession) -> None:
    assert await session.scalar(select(func.count()).select_from(User)) == 0
