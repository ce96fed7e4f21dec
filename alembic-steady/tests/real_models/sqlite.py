"""The shop on SQLite, with what SQLite alone can do."""

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.shared import Account, Product

# SQLAlchemy before 2.0.45 cannot read such a table if a column of it is computed.
IS_TOO_OLD = sa.__version__ < "2.0.45"


class Visit(Base):
    """A key that is never given twice, a partial index."""

    __tablename__ = "visit"
    __table_args__ = (
        sa.Index(
            "ix_visit_open",
            "page",
            unique=True,
            sqlite_where=sa.text("left_at IS NULL"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(
        sa.ForeignKey(Account.id, deferrable=True, initially="DEFERRED")
    )
    page: Mapped[str]
    left_at: Mapped[str | None]
    token: Mapped[bytes] = mapped_column(server_default=sa.text("(randomblob(16))"))
    day: Mapped[str] = mapped_column(server_default=sa.text("(date('now'))"))


class Favourite(Base):
    """A table without a hidden key."""

    __tablename__ = "favourite"
    __table_args__ = {"sqlite_with_rowid": IS_TOO_OLD}

    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id), primary_key=True)
    product_id: Mapped[int] = mapped_column(sa.ForeignKey(Product.id), primary_key=True)
    twice: Mapped[int] = mapped_column(sa.Computed("product_id * 2"))
