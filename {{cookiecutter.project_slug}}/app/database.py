{% include cookiecutter.__kind ~ "/" ~ cookiecutter.__style ~ "/database.py" %}
