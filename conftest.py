"""What both folders of tests are run with."""

pytest_plugins = ["tests.options"]
