{% include cookiecutter.__family ~ "/lock.py" %}
