"""A shop: what all databases can do. Each family adds what it has to a copy of this."""

import enum
import uuid
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship

from app.database import Base


class Currency(enum.Enum):
    """Shared by several tables."""

    EUR = "eur"
    USD = "usd"


class Status(enum.Enum):
    """Stored by its values and not by its names."""

    NEW = "new"
    PAID = "paid"
    SENT = "sent by mail"


IS_NEWEST = not sa.__version__.startswith("2.0.")
NO_COMMENT = "" if IS_NEWEST else None  # What 2.0 would look for and not find.
CURRENCY = sa.Enum(Currency, name="currency")
STATUS = sa.Enum(
    Status, name="order_status", values_callable=lambda kind: [it.value for it in kind]
)


class Timestamps:
    """Columns that several tables have."""

    created_at: Mapped[datetime] = mapped_column(
        sa.DateTime(timezone=True), server_default=sa.func.now()
    )
    updated_at: Mapped[datetime | None] = mapped_column(
        sa.DateTime(timezone=True), onupdate=sa.func.now()
    )


class Owned:
    """A foreign key that several tables have."""

    @declared_attr
    def account_id(cls) -> Mapped[int]:
        """The owner."""
        return mapped_column(sa.ForeignKey("account.id", ondelete="CASCADE"))


class Account(Timestamps, Base):
    """Every kind of default."""

    __tablename__ = "account"
    __table_args__ = (
        sa.CheckConstraint("length(email) > 3", name="email_is_long"),
        {"comment": "Who may sign in; it's personal"},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(sa.String(200), comment="as typed, 100 % of it")
    token: Mapped[uuid.UUID] = mapped_column(unique=True)
    is_active: Mapped[bool] = mapped_column(server_default=sa.true())
    is_admin: Mapped[bool] = mapped_column(server_default=sa.false())
    is_new: Mapped[bool] = mapped_column(server_default="1")
    language: Mapped[str] = mapped_column(sa.String(5), server_default="en")
    nickname: Mapped[str] = mapped_column(sa.String(50), server_default="")
    motto: Mapped[str] = mapped_column(sa.String(50), server_default=sa.text("'it''s'"))
    colon: Mapped[str] = mapped_column(sa.String(50), server_default="a:b (c) 50%")
    logins: Mapped[int] = mapped_column(server_default="0")
    level: Mapped[int] = mapped_column(sa.SmallInteger, server_default=sa.text("1"))
    debt: Mapped[int] = mapped_column(server_default=sa.text("-5"))
    credit: Mapped[Decimal] = mapped_column(sa.Numeric(10, 2), server_default="0.00")
    rating: Mapped[float] = mapped_column(server_default="2.5")
    settings: Mapped[dict[str, Any]] = mapped_column(sa.JSON, server_default="{}")
    born: Mapped[date | None]
    since: Mapped[date] = mapped_column(server_default="2020-01-01")
    wakes: Mapped[time | None]
    photo: Mapped[bytes | None]
    total: Mapped[int] = mapped_column(sa.BigInteger, server_default=sa.text("1 + 1"))


class Profile(Base):
    """One to one: the key is a foreign key."""

    __tablename__ = "profile"

    account_id: Mapped[int] = mapped_column(
        sa.ForeignKey(Account.id, ondelete="CASCADE", onupdate="CASCADE"),
        primary_key=True,
        autoincrement=False,
    )
    text: Mapped[str | None] = mapped_column(sa.Text)


class Address(Timestamps, Owned, Base):
    """A constraint of several columns."""

    __tablename__ = "address"
    __table_args__ = (sa.UniqueConstraint("account_id", "kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(
        sa.Enum("home", "work", name="address_kind", native_enum=False, length=20)
    )
    country: Mapped[str] = mapped_column(sa.CHAR(2), index=True)
    street: Mapped[str] = mapped_column(sa.Unicode(100))


class Category(Base):
    """A tree."""

    __tablename__ = "category"
    __table_args__ = (sa.UniqueConstraint("parent_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("category.id", ondelete="SET NULL")
    )
    name: Mapped[str] = mapped_column(sa.String(100))


class Product(Timestamps, Base):
    """Checks, a computed column, and an enum with a default."""

    __tablename__ = "product"
    __table_args__ = (
        sa.CheckConstraint("price >= 0", name="price_is_positive"),
        sa.CheckConstraint("sku <> '' AND sku NOT LIKE '% %'", name="sku_has_no_space"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    sku: Mapped[str] = mapped_column(sa.String(30), unique=True)
    price: Mapped[Decimal] = mapped_column(sa.Numeric(12, 4))
    currency: Mapped[Currency] = mapped_column(CURRENCY, server_default="EUR")
    gross: Mapped[Decimal | None] = mapped_column(
        sa.Numeric(12, 4), sa.Computed("price * 1.2", persisted=True)
    )
    details: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON)


sa.Index("ix_product_newest", Product.created_at.desc(), Product.sku)


class ProductCategory(Base):
    """Many to many, with a column of its own."""

    __tablename__ = "product_category"

    product_id: Mapped[int] = mapped_column(
        sa.ForeignKey(Product.id, ondelete="CASCADE"), primary_key=True
    )
    category_id: Mapped[int] = mapped_column(
        sa.ForeignKey(Category.id, ondelete="CASCADE"), primary_key=True, index=True
    )
    position: Mapped[int] = mapped_column(server_default="0")


class Tag(Base):
    """A natural key."""

    __tablename__ = "tag"

    name: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    products: Mapped[list[Product]] = relationship(secondary="product_tag")


product_tag = sa.Table(
    "product_tag",
    Base.metadata,
    sa.Column("product_id", sa.ForeignKey(Product.id), primary_key=True),
    sa.Column("tag_name", sa.ForeignKey(Tag.name), primary_key=True),
)


class Translation(Base):
    """A composite key of two types."""

    __tablename__ = "translation"

    product_id: Mapped[int] = mapped_column(sa.ForeignKey(Product.id), primary_key=True)
    locale: Mapped[str] = mapped_column(sa.String(8), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    text: Mapped[str] = mapped_column(sa.Text)


class Review(Owned, Timestamps, Base):
    """A check of several columns, and one that a type brings."""

    __tablename__ = "review"
    __table_args__ = (
        sa.CheckConstraint("stars BETWEEN 1 AND 5", name="stars_are_few"),
        sa.CheckConstraint("text IS NOT NULL OR stars > 1", name="says_why"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(sa.ForeignKey(Product.id), index=True)
    stars: Mapped[int] = mapped_column(sa.SmallInteger)
    text: Mapped[str | None] = mapped_column(sa.String(500))
    mood: Mapped[str | None] = mapped_column(
        sa.Enum("good", "bad", name="mood", native_enum=False, create_constraint=True)
    )
    is_shown: Mapped[bool] = mapped_column(
        sa.Boolean(name="is_shown", create_constraint=True), server_default=sa.true()
    )


class Warehouse(Base):
    """A name that needs quotes."""

    __tablename__ = "Ware House"

    id: Mapped[int] = mapped_column(primary_key=True)
    order: Mapped[str] = mapped_column("Order By", sa.String(20), index=True)


class Stock(Base):
    """A composite key."""

    __tablename__ = "stock"
    __table_args__ = (
        sa.CheckConstraint("amount >= 0", name="not_negative"),
        sa.CheckConstraint("amount % 5 = 0", name="in_fives"),
    )

    product_id: Mapped[int] = mapped_column(sa.ForeignKey(Product.id), primary_key=True)
    warehouse_id: Mapped[int] = mapped_column(
        sa.ForeignKey(Warehouse.id), primary_key=True
    )
    amount: Mapped[int] = mapped_column(server_default="0", comment=NO_COMMENT)


class StockMovement(Base):
    """A composite foreign key."""

    __tablename__ = "stock_movement"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["product_id", "warehouse_id"], ["stock.product_id", "stock.warehouse_id"]
        ),
        sa.Index(None, "product_id", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int]
    warehouse_id: Mapped[int]
    amount: Mapped[int]
    at: Mapped[datetime] = mapped_column(server_default=sa.func.current_timestamp())


class Order(Owned, Timestamps, Base):
    """A reserved word, and an enum that another table has, too."""

    __tablename__ = "order"

    id: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[Status] = mapped_column(STATUS, server_default="new")
    currency: Mapped[Currency] = mapped_column(CURRENCY)


class OrderEvent(Base):
    """The other table with the same enum."""

    __tablename__ = "order_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(sa.ForeignKey(Order.id))
    status: Mapped[Status | None] = mapped_column(STATUS)


class OrderLine(Base):
    """A computed column of a composite key."""

    __tablename__ = "order_line"

    order_id: Mapped[int] = mapped_column(
        sa.ForeignKey(Order.id, ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(
        sa.ForeignKey(Product.id, ondelete="RESTRICT", onupdate="RESTRICT")
    )
    amount: Mapped[int]
    price: Mapped[Decimal] = mapped_column(sa.Numeric(12, 4))
    total: Mapped[Decimal | None] = mapped_column(
        sa.Numeric(14, 4), sa.Computed("price * amount", persisted=True)
    )


class Shipment(Base):
    """A column that says whether, and one that says when."""

    __tablename__ = "shipment"

    id: Mapped[int] = mapped_column(primary_key=True)
    is_insured: Mapped[bool | None]
    sent_at: Mapped[datetime | None]


class ShipmentLine(Base):
    """Two foreign keys of which one is composite, and a key of all of them."""

    __tablename__ = "shipment_line"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["order_id", "number"],
            [OrderLine.order_id, OrderLine.number],
            ondelete="CASCADE",
        ),
    )

    shipment_id: Mapped[int] = mapped_column(
        sa.ForeignKey(Shipment.id), primary_key=True
    )
    order_id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)


class Payment(Base):
    """Joined inheritance."""

    __tablename__ = "payment"
    __mapper_args__ = {"polymorphic_on": "kind"}

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(10))
    order_id: Mapped[int] = mapped_column(sa.ForeignKey(Order.id))


class CardPayment(Payment):
    """One kind."""

    __tablename__ = "card_payment"
    __mapper_args__ = {"polymorphic_identity": "card"}

    id: Mapped[int] = mapped_column(sa.ForeignKey(Payment.id), primary_key=True)
    digits: Mapped[str] = mapped_column(sa.String(4))


class BankPayment(Payment):
    """Another kind."""

    __tablename__ = "bank_payment"
    __mapper_args__ = {"polymorphic_identity": "bank"}

    id: Mapped[int] = mapped_column(sa.ForeignKey(Payment.id), primary_key=True)
    account: Mapped[str] = mapped_column(sa.String(34))


class Message(Owned, Base):
    """Single-table inheritance."""

    __tablename__ = "message"
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "message"}

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(10), index=True)


class Mail(Message):
    """One kind, with a column of its own."""

    __mapper_args__ = {"polymorphic_identity": "mail"}

    subject: Mapped[str | None] = mapped_column(sa.String(200))


class Department(Base):
    """One half of a cycle: who leads a department."""

    __tablename__ = "department"

    id: Mapped[int] = mapped_column(primary_key=True)
    head_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("employee.id", use_alter=True)
    )


class Employee(Base):
    """The other half: where somebody works."""

    __tablename__ = "employee"

    id: Mapped[int] = mapped_column(primary_key=True)
    department_id: Mapped[int] = mapped_column(sa.ForeignKey(Department.id))
    manager_id: Mapped[int | None] = mapped_column(sa.ForeignKey("employee.id"))


class Coupon(Base):
    """Dates, and a default that is an expression."""

    __tablename__ = "coupon"
    __table_args__ = (
        sa.CheckConstraint("valid_to IS NULL OR valid_from < valid_to", name="valid"),
    )

    code: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime | None]
    percent: Mapped[float] = mapped_column(sa.Double)
    label: Mapped[str] = mapped_column(
        sa.String(20), server_default=sa.func.lower("SALE")
    )


class Setting(Base):
    """A key and a value."""

    __tablename__ = "setting"

    key: Mapped[str] = mapped_column(sa.String(50), primary_key=True)
    value: Mapped[dict[str, Any]] = mapped_column(
        sa.JSON, server_default=sa.text("'[]'")
    )


if IS_NEWEST:
    from sqlalchemy.schema import CreateView

    class Inbox(Base):
        """A view, which a revision makes by hand."""

        __table__ = CreateView(
            sa.select(Message.account_id, sa.func.count().label("messages")).group_by(
                Message.account_id
            ),
            "inbox",
            metadata=Base.metadata,
        ).table
        __mapper_args__ = {"primary_key": [__table__.c.account_id]}
