"""Forms of a decision: overrides of a proposal, notes, reasons."""

from typing import Any

from django import forms

from approvals.entry_check import format_price
from approvals.models import TradeApproval
from approvals.positions.delisted import ByHand
from approvals.proposals import Overrides, Proposal

# Each field also sends what it was filled with, which tells what the user typed.
FIELD: dict[str, Any] = {"required": False, "show_hidden_initial": True}
PRICE: dict[str, Any] = {"max_digits": 18, "decimal_places": 6, "min_value": 0, **FIELD}


class OverridesForm(forms.Form):
    """The terms of an entry. What is left empty is as Jax proposes it."""

    quantity = forms.IntegerField(label="Shares", min_value=1, max_value=2**31 - 1, **FIELD)
    limit_price = forms.DecimalField(label="Limit", **PRICE)
    stop_loss = forms.DecimalField(label="Stop", **PRICE)
    take_profit = forms.DecimalField(label="Target", **PRICE)

    @property
    def overrides(self) -> Overrides:
        return Overrides(**{name: self.cleaned_data.get(name) for name in self.fields})

    @classmethod
    def of(cls, proposal: Proposal) -> "OverridesForm":
        """Return the form filled in as proposed, so that what is approved is what it shows."""
        initial = {
            "quantity": proposal.quantity or None,
            "limit_price": format_price(proposal.limit_price) if proposal.limit_price else None,
            "stop_loss": format_price(proposal.levels.stop_loss),
            "take_profit": format_price(proposal.levels.take_profit),
        }
        return cls(initial=initial if proposal.effect.is_entry else {})

    @property
    def typed(self) -> dict[str, str]:
        """Return the values that the user changed."""
        return {name: self.data[name] for name in self.changed_data if self.data.get(name)}


class NotesForm(forms.Form):
    notes = forms.CharField(max_length=2000, required=False)


class SettlementForm(NotesForm):
    """What a delisted share is closed at. `on`: the day that the broker settled it and never said so."""

    price = forms.DecimalField(
        min_value=0, max_digits=18, decimal_places=6, help_text="Of a share; 0: worthless."
    )
    on = forms.DateField(
        required=False, label="Settled on", widget=forms.DateInput(attrs={"placeholder": "2024-07-03"})
    )

    @property
    def by_hand(self) -> ByHand:
        return ByHand(self.cleaned_data["price"], self.cleaned_data["on"])


class RejectForm(NotesForm):
    reason = forms.ChoiceField(choices=TradeApproval.Reason.choices)
