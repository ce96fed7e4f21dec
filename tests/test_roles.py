"""Two roles: migrations own what they make, and the application reads and writes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from tests.conftest import Project, Service
from tests.revisions import CLEAN, add_revision, identifier
from tests.servers import MariaDB, Postgres, Server
from tests.test_drivers import use_session

CREATE = ("steady", "create")
UPGRADE = ("alembic", "upgrade", "head")

each_kind = pytest.mark.parametrize(
    "service",
    ["psycopg2-system", "asyncpg-wheel", "mariadb_pymysql"],
    indirect=True,
)
each_family = pytest.mark.parametrize(
    "service", ["psycopg2-wheel", "mariadb_pymysql"], indirect=True
)
on_postgres = pytest.mark.parametrize("service", ["psycopg2-system"], indirect=True)
on_mariadb = pytest.mark.parametrize("service", ["mariadb_pymysql"], indirect=True)


@dataclass
class Roles:
    """An owner and an application on a service's server, each with a password."""

    service: Service
    owner: str
    application: str
    passwords: tuple[str, str] = ("owner-password", "app-password")

    @property
    def server(self) -> Server:
        """The server that they are on."""
        assert self.service.server
        return self.service.server

    @property
    def is_mariadb(self) -> bool:
        """Whether that is MariaDB."""
        return isinstance(self.server, MariaDB)

    @property
    def may(self) -> str:
        """What is printed when the application's role has got its rights."""
        account = f"{self.application}@%" if self.is_mariadb else self.application
        return f"{account} may read and write all tables that migrations create\n"

    def url(self, role: str, driver: str = "", password: str = "") -> str:
        """Return the database's URL for one of both."""
        known = dict(zip((self.owner, self.application), self.passwords, strict=True))
        return self.server.url(
            driver or self.service.connection.driver.name,
            quote(self.service.database),
            quote(role, safe=""),
            password or known[role],
        )

    def use(self) -> Project:
        """Let both variables of the project name them, and return it."""
        self.service.project.environment |= {
            "DATABASE_URL": self.url(self.application),
            "MIGRATION_DATABASE_URL": self.url(self.owner),
        }
        return self.service.project

    def run(self, statement: str) -> None:
        """Run a statement as the application."""
        driver = "mariadb+pymysql" if self.is_mariadb else "postgresql+psycopg"
        url = self.url(self.application, driver)
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                connection.exec_driver_sql(statement)
        finally:
            engine.dispose()

    def refused(self, statement: str) -> None:
        """See that the application has no right to run a statement."""
        with pytest.raises(DBAPIError, match="denied|must be owner of"):
            self.run(statement)

    def drop(self) -> None:
        """Drop the database and both roles."""
        if self.service.database in self.server.databases():
            self.server.drop(self.service.database)
        for role in (self.application, self.owner):
            drop = "DROP USER" if self.is_mariadb else "DROP ROLE"
            self.server.query(f"{drop} {self.quoted(role)}")

    def quoted(self, name: str) -> str:
        """Return a name as the server wants it in a statement."""
        mark = "`" if self.is_mariadb else '"'
        return mark + name.replace(mark, mark * 2) + mark


def statements(project: Path) -> list[str]:
    """Return the statements that the README lets an administrator type."""
    readme = (project / "README.md").read_text()
    (block,) = re.findall(r"```sql\n(.+?)```", readme, re.DOTALL)
    return [statement for statement in block.split(";\n") if statement]


@pytest.fixture
def roles(service: Service) -> Iterator[Roles]:
    """Make both roles as the README says, and drop them with the database."""
    assert service.server
    for statement in statements(service.project.path):
        service.server.query(statement)
    name = service.project.path.name
    roles = Roles(service, f"{name}_owner", f"{name}_app")
    yield roles
    roles.drop()


HISTORY = {
    "postgresql": """
    op.execute("CREATE TYPE mood AS ENUM ('calm', 'glad')")
    op.execute("CREATE SEQUENCE ticket")
    op.execute("CREATE SCHEMA audit")
    op.execute("CREATE TABLE audit.entry (id int GENERATED ALWAYS AS IDENTITY, mood mood)")
""",
    "mysql": """
    op.execute("CREATE SEQUENCE ticket")
    op.execute("CREATE TABLE entry (id serial, mood enum('calm', 'glad'))")
""",
}
ALLOWED = {
    "postgresql": [
        "INSERT INTO audit.entry (mood) VALUES ('glad')",
        "SELECT id FROM audit.entry WHERE mood = 'glad'",
        "UPDATE audit.entry SET mood = 'calm'",
        "DELETE FROM audit.entry",
        "SELECT nextval('ticket')",
    ],
    "mysql": [
        "INSERT INTO entry (mood) VALUES ('glad')",
        "SELECT id FROM entry WHERE mood = 'glad'",
        "UPDATE entry SET mood = 'calm'",
        "DELETE FROM entry",
        "SELECT nextval(ticket)",
    ],
}
REFUSED = {
    "postgresql": [
        "CREATE DATABASE mine",
        "CREATE SCHEMA mine",
        "CREATE TABLE mine (id int)",
        "CREATE TABLE audit.mine (id int)",
        "ALTER TABLE audit.entry ADD note int",
        "ALTER TYPE mood ADD VALUE 'sad'",
        "CREATE INDEX ix ON audit.entry (mood)",
        "TRUNCATE audit.entry",
        "SELECT setval('ticket', 1)",
        "DROP SEQUENCE ticket",
        "DROP TABLE audit.entry",
        "DROP TABLE alembic_version",
        "SET ROLE orders_service_owner",
    ],
    "mysql": [
        "CREATE DATABASE mine",
        "CREATE TABLE mine (id int)",
        "ALTER TABLE entry ADD note int",
        "CREATE INDEX ix ON entry (mood)",
        "TRUNCATE entry",
        "DROP SEQUENCE ticket",
        "DROP TABLE entry",
        "DROP TABLE alembic_version",
        "GRANT SELECT ON orders.* TO root@localhost",
    ],
}
ORDER = '''

class Order(Base):
    """What a user has ordered."""

    __tablename__ = "order"

    id: Mapped[int] = mapped_column(sa.Integer, primary_key=True)
'''


@each_kind
def test_the_application_uses_what_migrations_make_and_can_change_no_table(
    roles: Roles,
) -> None:
    """With both roles made by the SQL that the README prints."""
    family = roles.service.connection.dialect.family
    project = roles.use()
    made = project.run(*CREATE)
    assert made.endswith(f", database orders: created\n{roles.may}")
    project.run(*UPGRADE)
    use_session(roles.service)
    with open(project.path / "app" / "models.py", "a") as models:
        models.write(ORDER)
    project.revise("Add order")
    *_, order = project.revisions()
    add_revision(project, "things", identifier(order), HISTORY[family])
    project.run(*UPGRADE)

    roles.run(f"INSERT INTO {roles.quoted('order')} (id) VALUES (1)")
    for statement in ALLOWED[family]:
        roles.run(statement)
    for statement in REFUSED[family]:
        roles.refused(statement.replace("orders_service_owner", roles.owner))

    again = project.run(*CREATE)
    assert again.endswith(f", database orders: already exists\n{roles.may}")
    roles.refused("CREATE TABLE mine (id int)")
    del project.environment["MIGRATION_DATABASE_URL"]
    assert "(head)" in project.run("alembic", "current", "--check-heads")


@pytest.mark.full
@each_family
def test_its_own_tests_pass_with_two_roles(roles: Roles) -> None:
    project = roles.use()
    project.run(*CREATE)
    assert project.run("alembic", "check").endswith(CLEAN)
    project.run_tests()


@each_family
def test_one_role_gets_no_rights(roles: Roles) -> None:
    """Whatever else differs in the two URLs."""
    project = roles.use()
    project.environment["DATABASE_URL"] = roles.url(roles.owner, password="another")
    assert project.run(*CREATE).endswith(": created\n")
    if not roles.is_mariadb:
        # As a pooler may, this URL calls it otherwise.
        url = f"{roles.server.url(database='orders')}?options=-crole%3D{roles.owner}"
        project.environment["DATABASE_URL"] = url
    assert project.run(*CREATE).endswith(": already exists\n")


@each_family
def test_what_is_there_already_is_let_out_and_what_others_have_is_not(
    roles: Roles,
) -> None:
    """An application that ran as the owner gets a role of its own."""
    family = roles.service.connection.dialect.family
    project = roles.use()
    project.environment["DATABASE_URL"] = roles.url(roles.owner)
    project.run(*CREATE)
    add_revision(project, "things", None, HISTORY[family])
    project.run(*UPGRADE)
    if not roles.is_mariadb:
        roles.server.query("CREATE TABLE public.theirs (id int)", "orders")
        for odd in (
            "CREATE TABLE {} (id int)",
            f"ALTER TABLE {{}} OWNER TO {roles.owner}",
        ):
            roles.server.query(odd.format('audit."%s {0}"'), "orders")
    roles.refused("SELECT version_num FROM alembic_version")
    roles.use()
    assert project.run(*CREATE).endswith(f": already exists\n{roles.may}")
    roles.run("SELECT version_num FROM alembic_version")
    for statement in ALLOWED[family]:
        roles.run(statement)
    if not roles.is_mariadb:
        roles.run('SELECT id FROM audit."%%s {0}"')
        roles.refused("SELECT id FROM theirs")


@on_postgres
def test_what_the_application_has_made_becomes_the_owners(roles: Roles) -> None:
    """By the statements that the README prints."""
    project = roles.use()
    readme = (project.path / "README.md").read_text()
    (reassign,) = re.findall("`(REASSIGN .+?)`", readme)
    (made,) = re.findall("`(CREATE DATABASE .+?)`", readme)
    roles.server.query(made.replace("…", "orders").replace("_owner", "_app"))
    project.environment["MIGRATION_DATABASE_URL"] = roles.url(roles.application)
    project.run(*UPGRADE)
    roles.run("CREATE TABLE mine (id int)")
    roles.use()
    roles.server.query(reassign, "orders")
    project.run(*CREATE)
    project.run(*UPGRADE)
    roles.run("SELECT id FROM mine")
    roles.refused("DROP TABLE mine")
    roles.refused("CREATE TABLE another (id int)")


@on_postgres
def test_an_owner_that_may_make_no_database_is_given_one(roles: Roles) -> None:
    project = roles.use()
    roles.server.query(f"ALTER ROLE {roles.owner} NOCREATEDB")
    assert "permission denied" in project.run(*CREATE, code=255)
    readme = (project.path / "README.md").read_text()
    (made,) = re.findall("`(CREATE DATABASE .+?)`", readme)
    roles.server.query(made.replace("…", "orders"))
    assert project.run(*CREATE).endswith(f": already exists\n{roles.may}")
    project.run(*UPGRADE)
    roles.run('DELETE FROM "user"')


ODD = '100% "of" `all` \\_\'s {0} é'


@each_family
def test_names_of_any_characters(service: Service) -> None:
    roles = Roles(service, f"the owner@{ODD}", f"an app@{ODD}")
    service.database = f"a_database {ODD}"
    for role, password in zip(
        (roles.owner, roles.application), roles.passwords, strict=True
    ):
        name = roles.quoted(role)
        if roles.is_mariadb:
            roles.server.query(f"CREATE USER {name} IDENTIFIED BY '{password}'")
        else:
            roles.server.query(
                f"CREATE ROLE {name} LOGIN CREATEDB PASSWORD '{password}'"
            )
    try:
        if roles.is_mariadb:
            owner = roles.quoted(roles.owner)
            roles.server.query(f"GRANT ALL ON *.* TO {owner} WITH GRANT OPTION")
        project = roles.use()
        assert project.run(*CREATE).endswith(roles.may)
        project.run(*UPGRADE)
        roles.run("SELECT version_num FROM alembic_version")
    finally:
        roles.drop()


@on_mariadb
def test_rights_are_on_one_database_and_not_on_those_that_are_spelt_like_it(
    service: Service, rendered: Callable[..., Path]
) -> None:
    """In a grant, _ stands for any character."""
    assert service.server
    service.database = "my_orders"
    readme = rendered(database_url="mariadb://localhost/my_orders")
    for statement in statements(readme):
        service.server.query(statement)
    roles = Roles(service, "my_service_owner", "my_service_app")
    try:
        project = roles.use()
        assert project.run(*CREATE).endswith(roles.may)
        project.run(*UPGRADE)
        roles.run("SELECT version_num FROM alembic_version")
        service.server.create("myXorders")
        service.database = "myXorders"
        roles.refused("SELECT 1")
        assert "Access denied for user" in roles.use().run(
            "alembic", "current", code=255
        )
        service.database = "my_orders"
    finally:
        roles.drop()


AT_ONCE = """
from concurrent.futures import ThreadPoolExecutor
from alembic.config import Config
from alembic_steady import settings

project = settings.load(Config("alembic.ini"))
urls = project.url(), project.application_url()
project.adapter.admit(*urls)  # What SQLAlchemy imports late, it does not in threads.
with ThreadPoolExecutor(8) as pool:
    print(*set(pool.map(lambda _: project.adapter.admit(*urls), range(80))))
"""


@pytest.mark.full
@each_family
def test_rights_may_be_given_several_times_at_once(roles: Roles) -> None:
    project = roles.use()
    project.run(*CREATE)
    project.run(*UPGRADE)
    assert project.run("python", "-c", AT_ONCE).strip() in roles.may


@pytest.mark.parametrize("service", ["asyncpg-system"], indirect=True)
def test_the_application_may_come_through_a_pooler(
    roles: Roles, pooler: Postgres
) -> None:
    """With what asyncpg has to be told for it, and psycopg does not understand."""
    project = roles.use()
    url = pooler.url("postgresql+asyncpg", "orders")
    project.environment["DATABASE_URL"] = f"{url}?prepared_statement_cache_size=0"
    output = project.run(*CREATE)
    assert output.endswith(
        "\npostgres may read and write all tables that migrations create\n"
    )


@each_family
def test_a_role_that_is_missing_is_named_in_one_line(roles: Roles) -> None:
    project = roles.use()
    driver = roles.service.connection.driver.name
    nobody = roles.url("nobody", driver, "secret-password")
    project.environment["DATABASE_URL"] = nobody
    *_, line = project.run(*CREATE, code=255).splitlines()
    if roles.is_mariadb:
        assert "Access denied for user 'nobody'@" in line
        assert (
            "; an administrator can create a missing account with CREATE USER … "
            in line
        )
    else:
        assert 'password authentication failed for user "nobody"' in line
        assert line.endswith(
            "; an administrator can create a missing role with"
            " CREATE ROLE … LOGIN PASSWORD '…'"
        )
    assert "secret-password" not in line


@on_mariadb
def test_an_owner_that_may_give_no_rights_is_told_so_in_one_line(roles: Roles) -> None:
    revoke = f"REVOKE GRANT OPTION ON orders.* FROM {roles.owner}"
    roles.server.query(revoke)
    made, line = roles.use().run(*CREATE, code=255).splitlines()
    assert made.endswith(": created")
    assert f"Access denied for user '{roles.owner}'@'%' to database 'orders'; " in line
    assert line.endswith("with GRANT ALL ON … TO … WITH GRANT OPTION")
    roles.refused("SELECT 1")
