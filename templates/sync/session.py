@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """Return the engine of a database that the migrations have built."""
    with empty_database() as url:
        config = Config(ROOT / "alembic.ini")
        with databases.connect(url) as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        engine = make_engine(url)
        yield engine
        engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """Return a session whose commits are undone after the test."""
    with engine.connect() as connection:
        transaction = connection.begin()
        with SessionLocal(
            bind=connection, join_transaction_mode="create_savepoint"
        ) as session:
            yield session
        transaction.rollback()
