"""Drift: how a real database differs from what the revisions build."""

from __future__ import annotations

import re

from harness import Service

from tests.revisions import ADD_USERNAME, AS_BUILT, DRIFT, TABLES_AT_BASE, begin_upgrade


def test_a_database_is_as_the_revisions_build_it_up_to_its_own(
    service: Service,
) -> None:
    project = service.project
    service.create()
    project.add_username()
    project.run(*ADD_USERNAME)
    for target in ("+1", "head", "base"):
        direction = "downgrade" if target == "base" else "upgrade"
        project.run("alembic", direction, target)
        assert service.drift(0) == [AS_BUILT.strip()]
    assert service.schema() == TABLES_AT_BASE


def changes(service: Service) -> list[str]:
    """Return statements that add a column, drop an index and, if possible, narrow a type."""
    add = 'ALTER TABLE "user" ADD note varchar(9)'
    drop = "DROP INDEX ix_user_username"
    return {
        "sqlite": [add, drop],
        "postgresql": [add, drop, 'ALTER TABLE "user" ALTER username TYPE varchar(20)'],
        "mysql": [
            add,
            f'{drop} ON "user"',
            'ALTER TABLE "user" MODIFY username varchar(20)',
        ],
    }[service.family]


def test_what_was_changed_by_hand_is_listed(service: Service) -> None:
    project = service.project
    service.create()
    project.add_username()
    project.run(*ADD_USERNAME)
    project.run("alembic", "upgrade", "head")

    # What others have is no drift.
    service.execute("CREATE TABLE theirs (id int)")
    service.execute("CREATE VIEW theirs_too AS SELECT id FROM theirs")
    note = "(not owned: no revision creates it)"
    of_others = {f"+ table theirs {note}", f"+ view theirs_too {note}"}
    assert set(service.drift(0)) == of_others

    for statement in changes(service):
        service.execute(statement)
    lines = set(service.drift(1)) - of_others
    changed = {line for line in lines if line.startswith("~ column user.username: ")}
    assert lines - changed == {"+ column user.note", "- index user.ix_user_username"}
    if service.server:
        (line,) = changed
        assert re.search(r"(varchar|varying)\(20\).*; the revisions build", line)

    service.execute('DROP TABLE "user"')
    assert set(service.drift(1)) - of_others == {"- table user"}

    service.execute("UPDATE alembic_version SET version_num = '0123456789ab'")
    _place, error = project.run(*DRIFT, code=255).splitlines()
    assert error == (
        "FAILED: Can't locate revision identified by '0123456789ab'; the database is at it,"
        " but no file of this project has it: bring that from where it was written"
    )


def test_a_view_that_is_otherwise_is_listed_in_one_line(service: Service) -> None:
    project = service.project
    project.run("alembic", "revision", "-m", "Add view")
    *_, revision = project.revisions()
    table = '    op.create_table("thing", sa.Column("id", sa.Integer))\n'
    view = '    op.execute("""CREATE VIEW one AS\\n    SELECT id FROM thing""")\n'
    begin_upgrade(revision, table + view)
    service.create()
    project.run("alembic", "upgrade", "head")
    assert service.drift(0) == [AS_BUILT.strip()]
    service.execute("DROP VIEW one")
    assert service.drift(1) == ["- view one"]
    service.execute("CREATE VIEW one AS SELECT 2 AS id")
    (line,) = service.drift(1)
    assert line.startswith("~ view one: ")
    assert re.search("(?i)select 2 as .*; the revisions build .*select .*thing", line)
