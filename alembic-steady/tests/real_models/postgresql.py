"""The shop on PostgreSQL, with what PostgreSQL alone can do."""

import enum
import uuid
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.shared import CURRENCY, Account, Currency, Order, Product


class Dunning(enum.Enum):
    """An enum in a schema."""

    NONE = "none"
    FIRST = "first"


class Article(Base):
    """Types, defaults and indexes of PostgreSQL."""

    __tablename__ = "article"
    __table_args__ = (
        sa.Index(
            "ix_article_open",
            "slug",
            unique=True,
            postgresql_where=sa.text("published IS NULL"),
        ),
        sa.Index("ix_article_lower_slug", sa.func.lower(sa.text("slug"))),
        sa.Index("ix_article_newest", sa.desc("expires"), "slug"),
        sa.Index("ix_article_tags", "tags", postgresql_using="gin"),
        sa.Index("ix_article_search", "search", postgresql_using="gin"),
        sa.Index("ix_article_data_kind", sa.text("(data ->> 'kind')")),
        sa.Index(
            "ix_article_slug_like",
            "slug",
            postgresql_ops={"slug": "text_pattern_ops"},
            postgresql_include=["id"],
        ),
        sa.UniqueConstraint("slug", "published", postgresql_nulls_not_distinct=True),
        sa.CheckConstraint("cardinality(tags) < 10", name="few_tags"),
        sa.CheckConstraint("slug ~ '^[a-z]+$'", name="slug_is_plain"),
        sa.CheckConstraint("kind IN ('news', 'blog')", name="kind_is_known"),
        {"comment": "Written by people"},
    )

    id: Mapped[uuid.UUID] = mapped_column(
        primary_key=True, server_default=sa.func.gen_random_uuid()
    )
    number: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True))
    slug: Mapped[str] = mapped_column(sa.Text)
    kind: Mapped[str] = mapped_column(server_default="news")
    tags: Mapped[list[str]] = mapped_column(
        pg.ARRAY(sa.Text), server_default=sa.text("'{}'")
    )
    grid: Mapped[list[list[int]] | None] = mapped_column(
        pg.ARRAY(sa.Integer, dimensions=2)
    )
    prices: Mapped[list[Currency]] = mapped_column(
        pg.ARRAY(CURRENCY), server_default=sa.text("'{EUR}'")
    )
    data: Mapped[dict[str, Any]] = mapped_column(
        pg.JSONB, server_default=sa.text("'{}'::jsonb")
    )
    more: Mapped[dict[str, Any]] = mapped_column(pg.JSONB, server_default='{"a": 1}')
    search: Mapped[str] = mapped_column(
        pg.TSVECTOR, sa.Computed("to_tsvector('english', slug)", persisted=True)
    )
    published: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    expires: Mapped[datetime] = mapped_column(
        server_default=sa.text("now() + interval '1 day'")
    )
    in_utc: Mapped[datetime] = mapped_column(
        server_default=sa.text("timezone('utc', now())")
    )
    reading: Mapped[timedelta] = mapped_column(server_default=sa.text("'5 minutes'"))
    origin: Mapped[str | None] = mapped_column(pg.INET)
    bits: Mapped[str | None] = mapped_column(pg.BIT(3))


class Booking(Base):
    """A constraint that excludes, on a range."""

    __tablename__ = "booking"
    __table_args__ = (pg.ExcludeConstraint(("during", "&&"), name="ex_booking_during"),)

    id: Mapped[int] = mapped_column(
        sa.Identity(start=1000, increment=5), primary_key=True
    )
    during: Mapped[pg.Range[datetime]] = mapped_column(pg.TSTZRANGE)
    account_id: Mapped[int] = mapped_column(
        sa.ForeignKey(Account.id, deferrable=True, initially="DEFERRED")
    )


class Invoice(Base):
    """In a second schema, with a key to the first."""

    __tablename__ = "invoice"
    __table_args__ = {"schema": "billing", "comment": "Kept for ten years"}

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(sa.ForeignKey(Order.id), index=True)
    currency: Mapped[Currency] = mapped_column(CURRENCY)
    dunning: Mapped[Dunning] = mapped_column(
        sa.Enum(Dunning, name="dunning", schema="billing"), server_default="NONE"
    )


class InvoiceLine(Base):
    """A key within the second schema."""

    __tablename__ = "invoice_line"
    __table_args__ = (
        sa.CheckConstraint("total > 0", name="positive"),
        {"schema": "billing"},
    )

    invoice_id: Mapped[int] = mapped_column(sa.ForeignKey(Invoice.id), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(sa.ForeignKey(Product.id))
    total: Mapped[Decimal]
