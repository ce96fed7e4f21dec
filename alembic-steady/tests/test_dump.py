"""Dumps of any database: which statements run, in which order, and how many at once."""

from __future__ import annotations

import pytest

from alembic_steady.adapters.dump import Dump, Entry, LeftOut, run, untold


class Server:
    """Accepts a statement once there is what it needs, and all or none of several."""

    def __init__(self, **needs: str) -> None:
        self.needs = needs
        self.made: list[str] = []
        self.sent: list[str] = []

    def execute(self, script: str) -> str:
        """Run statements with semicolons between them."""
        self.sent.append(script)
        made = [*self.made]
        for line in script.replace("-- end", "").split(";"):
            name = line.strip()
            if (need := self.needs.get(name)) and need not in made:
                return f"{name}: there is no {need}"
            made.append(name)
        self.made = made
        return ""


def dumped(*names: str) -> Dump:
    return Dump([Entry("view", name, f"{name} -- end") for name in names])


@pytest.mark.parametrize("at_once", [1, 2, 3, 100])
def test_what_needs_others_comes_after_them(at_once: int) -> None:
    server = Server(a="b", b="d", f="none")
    dump = dumped(*"abcdefgh")
    told: list[int] = []
    left_out = run(
        dump, server.execute, lambda done, _total: told.append(done), at_once
    )
    assert left_out == [LeftOut("view f", "f: there is no none")]
    assert [it.name for it in dump.entries] == server.made
    assert sorted(server.made) == [*"abcdegh"]
    assert server.made.index("d") < server.made.index("b") < server.made.index("a")
    assert told == [*range(1, 8)]


def test_few_statements_are_sent_where_few_are_refused() -> None:
    names = [f"v{number}" for number in range(1_000)]
    server = Server(v500="none")
    run(dumped(*names), server.execute, untold, at_once=1_000)
    assert len(server.sent) < 25
    assert len(server.made) == 999


def test_settings_hold_for_what_is_sent_at_once() -> None:
    server = Server()
    entries = [
        Entry("table", name, name, (f"SET {'xy'[name > 'b']}",)) for name in "abcd"
    ]
    run(Dump(entries, begin=("BEGIN",), end=("END",)), server.execute, untold, 10)
    assert server.sent == ["BEGIN", "SET x", "a\n;\nb", "SET y", "c\n;\nd", "END"]


def test_sequences_come_before_tables_but_for_those_that_tables_make() -> None:
    dump = Dump(
        [
            Entry("sequence", "ticket", "CREATE SEQUENCE ticket"),
            Entry("table", "shop", "CREATE TABLE shop (id int)"),
            Entry("sequence", "shop_id_seq", "CREATE SEQUENCE shop_id_seq"),
            Entry("sequence owned by", "shop_id_seq", "ALTER SEQUENCE shop_id_seq …"),
            Entry("function", "shop_id_seq", "CREATE FUNCTION shop_id_seq() …"),
        ]
    )
    kept = [(it.kind, it.name) for it in dump.without_tables().entries]
    assert kept == [("sequence", "ticket"), ("function", "shop_id_seq")]
