@pytest.fixture
def alembic_config() -> dict[str, str]:
    """Tell pytest-alembic where the migrations are."""
    return {"file": str(ROOT / "alembic.ini")}


@contextmanager
def empty_engine() -> Iterator[Engine]:
    """Make an empty database for a while and return an engine for it."""
    with empty_database() as url:
        engine = create_engine(url)
        yield engine
        engine.dispose()


@pytest.fixture
def alembic_engine() -> Iterator[Engine]:
    """Give each of pytest-alembic's tests an empty database."""
    with empty_engine() as engine:
        yield engine


@pytest.fixture
def other_engine() -> Iterator[Engine]:
    """Give a test a second empty database."""
    with empty_engine() as engine:
        yield engine
