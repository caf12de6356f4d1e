"""What a model makes of a snapshot: an honest opinion from its own numbers, or an invented one."""

import json
import re
from typing import Any

Said = dict[str, Any]


def snapshot_in(text: str) -> dict[str, Any]:
    """The JSON between <data> and </data>; empty when there is none."""
    match = re.search(r"<data>\s*(\{.*\})\s*</data>", text, re.DOTALL)
    try:
        snapshot = json.loads(match.group(1)) if match else {}
    except ValueError:
        return {}
    return snapshot if isinstance(snapshot, dict) else {}


def honest(snapshot: dict[str, Any]) -> Said:
    """Every number in it stands in the snapshot."""
    speaks, against = _seen(snapshot), []
    signal = snapshot.get("signal")
    if not isinstance(signal, dict):
        text = "No strategy speaks up, and nothing else is clear enough to act on."
        return _said("HOLD", 0.5, " ".join([*speaks, text]), speaks, ["There is no signal."])
    for other in signal.get("opposed_by", []):
        against.append(f"{other['strategy']} says {other['side']} at the same time.")
    if costs := snapshot.get("costs"):
        against.append(f"After costs the reward is {costs['reward_to_risk']} times the risk.")
    levels = [f"{name} {signal[name]}" for name in ("stop", "target") if signal.get(name) is not None]
    text = ", ".join([f"{signal['side']} at {signal['entry']}", *levels]) + "."
    return _said(signal["side"], 0.62, " ".join([text, *speaks]), speaks, against or ["Few cases are known."])


def inventive(snapshot: dict[str, Any]) -> Said:
    """Numbers that are nowhere in any snapshot."""
    side = (snapshot.get("signal") or {}).get("side", "BUY")
    text = "Earnings grew 37.9 % last quarter and the fair value is $4,321.77, far from the price of today."
    return _said(side, 0.97, text, ["Insiders bought 812,345 shares."], ["The P/E of 98.76 is high."])


def _seen(snapshot: dict[str, Any]) -> list[str]:
    sentences = []
    if (trend := snapshot.get("trend")) in ("bullish", "bearish", "neutral"):
        sentences.append(f"The trend is {trend}.")
    named = (("rsi", "The RSI is"), ("volume_ratio", "The volume is, in times of its mean,"))
    indicators = snapshot.get("indicators") or {}
    sentences += [f"{words} {indicators[name]}." for name, words in named if indicators.get(name) is not None]
    if rows := (snapshot.get("bars") or {}).get("rows"):
        sentences.append(f"The last close is {rows[-1][4]}.")
    return sentences or ["Little is known."]


def _said(action: str, confidence: float, reasoning: str, speaks: list[str], against: list[str]) -> Said:
    return {
        "action": action,
        "confidence": confidence,
        "reasoning": reasoning,
        "for": speaks,
        "against": against,
    }
