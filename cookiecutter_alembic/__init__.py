"""The generator: it checks answers, and finishes what Cookiecutter has rendered."""
