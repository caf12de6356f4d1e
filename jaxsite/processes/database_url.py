"""The kind of setting that DATABASE_URL is."""

from typing import Any
from urllib.parse import urlsplit

import environ


class DatabaseUrl:
    """The address of a database, which may hold a password. Read as what Django's DATABASES takes."""

    def __call__(self, text: str) -> dict[str, Any]:
        if urlsplit(text).scheme not in environ.Env.DB_SCHEMES:
            raise ValueError("no database")  # django-environ would print it, with its password
        config: dict[str, Any] = environ.Env.db_url_config(text)
        if not config["NAME"] and "service" not in config.get("OPTIONS", {}):
            raise ValueError("no name")
        return config

    def __str__(self) -> str:
        return "an address as in postgres://user:password@host:5432/name"
