{% set database = cookiecutter.database_url | database %}
"""The application's role: it may read and write what migrations make, and no more."""

from alembic.util import CommandError
from sqlalchemy import URL, text

from app.config import read_url
from migrations import databases, server

WHO = text("SELECT current_user")


def admit(url: URL) -> str | None:
    """Let the application's role read and write what migrations make.

    Arguments:
        url: the database, by the role that migrations use.

    Returns:
        The application's role, or None where it is the same.

    Raises:
        ConfigError: DATABASE_URL is no URL for this project.
        CommandError: there is no such role, or ours can't give it rights.
    """
    application = read_url("DATABASE_URL")
    if application is None or application.username == url.username:
        return None
{% if database.dialect.family == "mysql" %}
    # An account that has no rights yet may enter this one alone.
    application = application.set(database=server.MAINTENANCE)
{% elif database.driver.alone %}
    # Only asyncpg understands this, and one question does without.
    application = application.difference_update_query({{ database.driver.alone | sort | list | tojson }})
{% endif %}
    try:
        with databases.connect(application) as connection:
            role = str(connection.scalar(WHO))
        with databases.connect(url) as connection:
            if role == connection.scalar(WHO):
                return None
            for statement, *names in server.grants(connection, url, role):
                databases.execute(connection, statement, *names)
            connection.commit()
    except CommandError as error:
        raise CommandError(f"{error}; {server.HINT}") from None
    return role
