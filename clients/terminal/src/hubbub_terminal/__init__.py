"""Hubbub in a terminal."""

from hubbub_terminal.app import ChatApp, Start
from hubbub_terminal.links import Link, parse
from hubbub_terminal.places import Places, default_folder

__all__ = ["ChatApp", "Link", "Places", "Start", "default_folder", "parse"]
