"""The generator, which checks the answers and completes what Cookiecutter renders."""
