"""The steps between Alembic's comparison of the models and the new revision file."""
