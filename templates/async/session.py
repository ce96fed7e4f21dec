@pytest.fixture(scope="session")
async def engine() -> AsyncIterator[AsyncEngine]:
    """Return the engine of a database that the migrations have built."""
    with empty_database() as url:
        config = Config(ROOT / "alembic.ini")
        with databases.connect(url) as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        engine = make_engine(on_driver(url, DRIVER))
        yield engine
        await engine.dispose()


@pytest.fixture
async def session(engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    """Return a session whose commits are undone after the test."""
    async with engine.connect() as connection:
        transaction = await connection.begin()
        async with SessionLocal(
            bind=connection, join_transaction_mode="create_savepoint"
        ) as session:
            yield session
        await transaction.rollback()
