"""What happens between Alembic's comparison and the file of a new revision."""
