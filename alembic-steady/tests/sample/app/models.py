"""The models."""

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class User(Base):
    """Somebody who uses the service."""

    __tablename__ = "user"

    id: Mapped[int] = mapped_column(sa.Integer, primary_key=True)
