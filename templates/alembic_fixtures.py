@pytest.fixture
def alembic_config() -> dict[str, str]:
    """Tell pytest-alembic where the migrations are."""
    return {"file": str(ROOT / "alembic.ini")}


@pytest.fixture
def alembic_engine() -> Iterator[Engine]:
    """Give each of pytest-alembic's tests an empty database."""
    with empty_database() as url:
        engine = create_engine(url)
        yield engine
        engine.dispose()
