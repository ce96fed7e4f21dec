"""What git knows of the revisions: which branch has one, and who made it."""
