{% include cookiecutter.__style ~ "/test_models.py" %}
