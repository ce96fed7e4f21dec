"""`steady adopt`: models and a first revision, written from a database that exists."""
