"""Commands that let a database and a history follow the branches of git."""
