"""Where settings meet analysts: who is asked, how many at once, and what may be spent."""

from pathlib import Path

from django.conf import settings

from opinions import analysts
from opinions.analysts.agent0 import Agent0
from opinions.analysts.base import Analyst
from opinions.analysts.llm import Llm
from opinions.analysts.rules import Rules

NAMES = ("rules", "agent0", "llm")
OUTSIDE = ("agent0", "llm")  # what they are given leaves this machine, or may
PROMPT = Path(analysts.__file__).with_name("prompt.md")


class NotConfigured(Exception):
    """The analyst is not known or not set up; what to do."""


def usual() -> str:
    """The analyst that is asked when nobody names another one."""
    return str(settings.ANALYST)


def configured() -> list[str]:
    """The analysts that can be asked."""
    is_there = {
        "rules": True,
        "agent0": bool(settings.AGENT0_URL),
        "llm": bool(settings.LLM_BASE_URL and settings.LLM_MODEL),
    }
    return [name for name in NAMES if is_there[name]]


def analyst(name: str) -> Analyst:
    """Raises NotConfigured."""
    if name == "rules":
        return Rules()
    if name == "agent0" and settings.AGENT0_URL:
        return Agent0(settings.AGENT0_URL)
    if name == "llm" and settings.LLM_BASE_URL and settings.LLM_MODEL:
        return Llm(
            settings.LLM_BASE_URL,
            settings.LLM_MODEL,
            settings.LLM_API_KEY,
            prompt=prompt(),
            input_price=settings.LLM_INPUT_PRICE,
            output_price=settings.LLM_OUTPUT_PRICE,
            tokens_per_run=settings.LLM_RUN_TOKENS,
        )
    needed = {"agent0": "Set AGENT0_URL.", "llm": "Set LLM_BASE_URL and LLM_MODEL."}
    known = f"Known are {', '.join(NAMES)}."
    raise NotConfigured(f"There is no analyst {name!r}. {needed.get(name, known)}")


def prompt() -> str:
    """What a language model is told first: LLM_PROMPT_FILE, or the one that comes with Jax."""
    path = Path(settings.LLM_PROMPT_FILE) if settings.LLM_PROMPT_FILE else PROMPT
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotConfigured(f"The prompt {path} cannot be read ({error}). Check LLM_PROMPT_FILE.") from None
