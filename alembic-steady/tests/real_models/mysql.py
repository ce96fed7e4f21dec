"""The shop on MariaDB, with what MariaDB alone can do."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.shared import Account


class Visit(Base):
    """Types, defaults and indexes of MariaDB."""

    __tablename__ = "visit"
    __table_args__ = (
        sa.Index("ix_visit_text", "text", mariadb_prefix="FULLTEXT"),
        sa.Index("ix_visit_page", "page", mariadb_length=100),
        sa.CheckConstraint("json_length(data) < 10", name="few_data"),
        {
            "mariadb_engine": "InnoDB",
            "mariadb_collate": "utf8mb4_unicode_ci",
            "comment": "Who came",
        },
    )

    id: Mapped[int] = mapped_column(mysql.BIGINT(unsigned=True), primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    page: Mapped[str] = mapped_column(sa.String(1000))
    text: Mapped[str] = mapped_column(mysql.MEDIUMTEXT)
    code: Mapped[str] = mapped_column(mysql.VARCHAR(20, collation="ascii_bin"))
    count: Mapped[int] = mapped_column(
        mysql.INTEGER(unsigned=True), server_default=sa.text("0")
    )
    flags: Mapped[int] = mapped_column(mysql.TINYINT, server_default="0")
    device: Mapped[set[str] | None] = mapped_column(mysql.SET("phone", "tablet"))
    size: Mapped[str] = mapped_column(mysql.ENUM("s", "m"), server_default="m")
    data: Mapped[dict[str, Any]] = mapped_column(
        sa.JSON, server_default=sa.text("(json_object())")
    )
    uuid: Mapped[str] = mapped_column(sa.CHAR(36), server_default=sa.func.uuid())
    at: Mapped[datetime] = mapped_column(
        mysql.DATETIME(fsp=6), server_default=sa.text("CURRENT_TIMESTAMP(6)")
    )
    changed: Mapped[datetime] = mapped_column(
        mysql.TIMESTAMP,
        server_default=sa.text("CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP"),
    )
    start: Mapped[str | None] = mapped_column(
        sa.String(20), sa.Computed("left(code, 3)", persisted=False)
    )
