{% include cookiecutter.__kind ~ "/databases.py" %}
