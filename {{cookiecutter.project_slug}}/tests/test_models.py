{% set is_async = cookiecutter.__style == "async" %}
{% if cookiecutter.starting_point != "example" %}
"""The models, compared with a real database."""

from sqlalchemy import select
{% if is_async %}
from sqlalchemy.ext.asyncio import AsyncSession
{% else %}
from sqlalchemy.orm import Session
{% endif %}

import app.models  # noqa: F401
from app.database import Base

{% if is_async %}

async def test_each_table_of_the_models_can_be_read(
    async_session: AsyncSession,
) -> None:
    for table in Base.metadata.tables.values():
        await async_session.execute(select(table).limit(1))
{% else %}

def test_each_table_of_the_models_can_be_read(session: Session) -> None:
    for table in Base.metadata.tables.values():
        session.execute(select(table).limit(1))
{% endif %}
{% elif is_async %}
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
