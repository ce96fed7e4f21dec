{% include cookiecutter.__kind ~ "/" ~ cookiecutter.__style ~ "/conftest.py" %}
