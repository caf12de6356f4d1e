"""What a person may change about a proposal, as a form."""

from typing import Any

from django import forms

from approvals.models import TradeApproval
from approvals.proposals import Proposal, Wish

PRICE: dict[str, Any] = {"max_digits": 18, "decimal_places": 6, "min_value": 0, "required": False}


class WishForm(forms.Form):
    """The terms of an entry. What is left empty is as Jax proposes it."""

    quantity = forms.IntegerField(label="Shares", min_value=1, max_value=2**31 - 1, required=False)
    limit_price = forms.DecimalField(label="Limit", **PRICE)
    stop_loss = forms.DecimalField(label="Stop", **PRICE)
    take_profit = forms.DecimalField(label="Target", **PRICE)

    @property
    def wish(self) -> Wish:
        return Wish(**{name: self.cleaned_data.get(name) for name in self.fields})

    @classmethod
    def of(cls, proposal: Proposal) -> "WishForm":
        """Filled in as proposed, so that what is approved is what stands there."""
        given = {
            "quantity": proposal.quantity or None,
            "limit_price": _plain(proposal.limit_price),
            "stop_loss": _plain(proposal.levels.stop_loss),
            "take_profit": _plain(proposal.levels.take_profit),
        }
        return cls(initial=given if proposal.does.is_entry else {})


class NotesForm(forms.Form):
    notes = forms.CharField(max_length=2000, required=False)


class RejectForm(NotesForm):
    reason = forms.ChoiceField(choices=TradeApproval.Reason.choices)


def _plain(price: Any) -> str | None:
    """Without the zeros that the column adds."""
    if price is None:
        return None
    exact = price.normalize()
    return f"{exact:f}" if exact.as_tuple().exponent < -2 else f"{exact:.2f}"
