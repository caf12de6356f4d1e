"""Keys, account numbers and addresses of people are taken out before a text is kept or sent. Pure.

Known secrets go wherever they stand. What only looks like one goes by its shape; the shapes are narrow, since
a price, a date, a uuid or a word that goes missing costs more than it saves.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

REMOVED = "[removed]"
SHORTEST = 6  # of a known secret: a shorter one stands in ordinary words

SECRET_NAME = (
    r"(?:password|passwd|passphrase|pwd|secret|token|api[-_ ]?key|access[-_ ]?key|private[-_ ]?key"
    r"|client[-_ ]?id|authorization|credential)"
)
SECRET_KEY = re.compile(SECRET_NAME + r"\Z", re.IGNORECASE)
MIXED_PIECE = re.compile(r"(?<![A-Za-z0-9])(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{16,}")

UUID_BEGINNING = "-".join(f"[0-9a-fA-F]{{{size}}}" for size in (8, 4, 4, 4)) + "-"


def _long_run(match: re.Match[str]) -> str:
    """Remove a key. A uuid, a path or a name in the same characters falls into short or plain pieces."""
    return REMOVED if MIXED_PIECE.search(match[0]) else match[0]


def _iban(match: re.Match[str]) -> str:
    """Remove an IBAN by its check digits (ISO 7064, mod 97-10), so that capitals beside a number stay."""
    together = match[0].replace(" ", "")
    digits = "".join(str(int(c, 36)) for c in together[4:] + together[:4])
    return REMOVED if int(digits) % 97 == 1 else match[0]


Replacement = str | Callable[[re.Match[str]], str]
SHAPES: tuple[tuple[re.Pattern[str], Replacement], ...] = (
    (
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?"),
        REMOVED,
    ),
    (re.compile(r"(://)[^\s/?#@]*(?:@[^\s/?#@]*)*@"), rf"\1{REMOVED}@"),
    (
        re.compile(
            rf"({SECRET_NAME}[\"']?\s*[:=]\s*)(?:(?:bearer|basic)\s+)?"
            r"(?:\"[^\"\n]+\"|'[^'\n]+'|[^\s\"',;&<>()}\]]+\]?)",
            re.IGNORECASE,
        ),
        rf"\1{REMOVED}",
    ),
    (re.compile(r"\b(bearer)\s+(?=\S*[0-9]|\S{20})[\w.~+/=-]{6,}", re.IGNORECASE), rf"\1 {REMOVED}"),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?"), REMOVED),
    (
        re.compile(
            r"(?<![A-Za-z0-9])(?:sk|pk|rk|hf|gh[pousr]|glpat|xox[abprs])[-_]"
            r"(?=[A-Za-z_-]*[0-9]|[\w-]{20})[\w-]{8,}"
        ),
        REMOVED,
    ),
    (re.compile(r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])"), REMOVED),
    (re.compile(r"(?<![A-Za-z0-9])[PAC]K[A-Z0-9]{16,24}(?![A-Za-z0-9])"), REMOVED),
    (re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+"), REMOVED),
    (re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}(?![A-Za-z0-9])"), _iban),
    (
        re.compile(
            r"(?<![A-Za-z0-9])[A-Z]{2}[0-9]{2}(?: [A-Z0-9]{4}){2,7}(?: [A-Z0-9]{1,3})?(?![A-Za-z0-9])"
        ),
        _iban,
    ),
    (re.compile(r"(?<![A-Za-z0-9])(?:D?[UF]|DI)[0-9]{5,9}(?![A-Za-z0-9])"), REMOVED),
    (re.compile(r"(?<![A-Za-z0-9])du[0-9]{5,9}(?![A-Za-z0-9])"), REMOVED),
    (re.compile(r"(?<![A-Za-z0-9+/_=-])[A-Za-z0-9+/_-]{32,}={0,2}"), _long_run),
    # Cards as they are embossed, then any long run; a fraction is a number, however many digits it has, and
    # the last part of a uuid may be digits alone.
    (re.compile(r"(?<![\w.,-])[0-9]{4}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{1,7}(?![\w-])"), REMOVED),
    (re.compile(r"(?<![\w.,-])3[0-9]{3}([ -])[0-9]{6}\1[0-9]{5}(?![\w-])"), REMOVED),
    (re.compile(rf"(?<![\w.])(?<!{UUID_BEGINNING})[0-9]{{12,}}(?![\w]|\.[0-9])"), REMOVED),
)


def secret_values(settings: Any) -> list[str]:
    """Return what must not be kept or sent: the values of SECRET_SETTINGS and the databases' passwords."""
    values: list[Any] = []
    for name in settings.SECRET_SETTINGS:
        value = getattr(settings, name)
        values += value if isinstance(value, list | tuple) else [value]
    values += [database.get("PASSWORD") for database in settings.DATABASES.values()]
    return [str(value) for value in values if value]


def redact(text: str, secrets: Collection[str]) -> str:
    """Return `text` with "[removed]" for each known secret and all that looks like one."""
    return _by_shape(_without(secrets)(text))


def redact_all(value: Any, secrets: Collection[str]) -> Any:
    """Redact every string of a JSON-like structure, which is copied; keys and numbers stay as they are.

    What stands under a key that names a secret (`password`, `llm_api_key`) is removed whatever it looks like.
    """
    without_secrets = _without(secrets)

    def clean(value: Any) -> Any:
        if isinstance(value, str):
            return _by_shape(without_secrets(value))
        if isinstance(value, Mapping):
            return {
                key: _removed(item) if _names_a_secret(key) else clean(item) for key, item in value.items()
            }
        return [clean(item) for item in value] if isinstance(value, list | tuple) else value

    return clean(value)


def _without(secrets: Collection[str]) -> Callable[[str], str]:
    longest_first = sorted({secret for secret in secrets if len(secret) >= SHORTEST}, key=len, reverse=True)
    if not longest_first:
        return lambda text: text
    pattern = re.compile("|".join(map(re.escape, longest_first)))
    return lambda text: pattern.sub(REMOVED, text)


def _by_shape(text: str) -> str:
    for shape, replacement in SHAPES:
        text = shape.sub(replacement, text)
    return text


def _names_a_secret(key: object) -> bool:
    return isinstance(key, str) and SECRET_KEY.search(key) is not None


def _removed(value: Any) -> Any:
    return REMOVED if value not in (None, "") else value
