"""The Jinja extension of this template: it knows databases and checks answers."""
