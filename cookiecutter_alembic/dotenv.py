"""Writes values for `.env` in a form that all its readers understand alike."""

from __future__ import annotations

from cookiecutter_alembic.databases import ConnectionString

HANDOVER_VARIABLE = "COOKIECUTTER_ALEMBIC_HANDOVER"
"""The variable that passes the connection string to the hook, which is a child process:
a JSON list of the connection string without its password and the text of `.env`."""


def dotenv(connection: ConnectionString) -> str:
    """Return the text of a project's `.env`, the only file that contains the password."""
    lines = [
        "# Settings of this working copy. Git ignores this file; see .env.example.",
        f"DATABASE_URL={quote(connection.url_with_password)}",
    ]
    server = connection.dialect.server
    if server and connection.password is not None:
        lines += [
            "",
            "# The same password, for the server that `docker compose up` starts.",
            f"{server.password_variable}={quote(connection.password)}",
        ]
    return "\n".join(lines) + "\n"


def quote(value: str) -> str:
    r"""Quote a value so that python-dotenv and Docker Compose read it literally.

    Both take text in single quotes literally, except for `\'`. They differ if a backslash
    follows another or ends the value; then both agree on double quotes, unless the value
    also contains a `$`. Such a value is written for Compose, which would expand it; the
    project's Python code only reads DATABASE_URL, which is percent-encoded.
    Sources: `dotenv/parser.go` of compose-go, `dotenv/parser.py` of python-dotenv.
    """
    if value.isprintable() and not any(pair in value + "'" for pair in ("\\\\", "\\'")):
        return "'" + value.replace("'", "\\'") + "'"
    for character, escape in (
        ("\\", "\\\\"),
        ('"', '\\"'),
        ("$", "\\$"),
        ("\n", "\\n"),
        ("\r", "\\r"),
    ):
        value = value.replace(character, escape)
    return f'"{value}"'
