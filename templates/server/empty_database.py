def pytest_sessionstart(session: pytest.Session) -> None:
    """End with one line, before any worker of xdist starts, where there is no server."""
    if hasattr(session.config, "workerinput"):
        return
    try:
        with empty_database():
            pass
    except CommandError as error:
        message = f"{error}; TEST_DATABASE_URL may name another server"
        raise pytest.UsageError(message) from None
    except ConfigError as error:
        raise pytest.UsageError(str(error)) from None


def empty_database() -> AbstractContextManager[URL]:
    """Make an empty database for a while."""
    return databases.temporary("TEST_DATABASE_URL")
