"""Builds the documentation site: `python -m tools.docs`, or `make docs`.

The pages are those of `docs`, the specification, and what is generated from it and from the
program: so that a thing is said once, and the site cannot lag behind.
"""
