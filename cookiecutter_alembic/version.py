"""The version of the template, which a generated README names."""

VERSION = "0.1.0"
