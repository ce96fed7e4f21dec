{% include cookiecutter.__family ~ "/mend.py" %}
