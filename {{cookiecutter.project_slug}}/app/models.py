{% set adopted = cookiecutter | adopted_models %}
{% if adopted is not none %}
{{ adopted }}
{% elif cookiecutter.starting_point == "example" %}
"""The models. `alembic revision --autogenerate` turns a change here into a revision."""

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class User(Base):
    """Somebody who uses the service."""

    __tablename__ = "user"

    id: Mapped[int] = mapped_column(sa.Integer, primary_key=True)
{% else %}
"""The models. `alembic revision --autogenerate` turns a change here into a revision."""
{% endif %}
