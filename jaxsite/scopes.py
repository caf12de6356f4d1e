"""The scopes of API tokens: what a program may do at most. Each has all of those before it.

A scope gives nothing. A program does what its user may do, less what the scope of its token leaves out.
"""

from django.db.models import TextChoices


class Scope(TextChoices):
    READ = "read", "read"
    PROPOSE = "propose", "propose"
    DECIDE = "decide", "decide"
    OPERATE = "operate", "operate"

    @property
    def meaning(self) -> str:
        return MEANINGS[self]

    def allows(self, permission: str) -> bool:
        return ORDER.index(needed(permission)) <= ORDER.index(self)


ORDER = list(Scope)
MEANINGS = {
    Scope.READ: "reads what its user may read, and changes nothing",
    Scope.PROPOSE: "reads, and asks for scans, backtests and second opinions",
    Scope.DECIDE: "all that, and approves and rejects signals, releases, drops and cancels orders, moves "
    "stops and targets, closes positions, halts trading",
    Scope.OPERATE: "all that its user may do: also the watchlist, and resuming after a halt",
}
CHOICES = [(scope.value, f"{scope}: {meaning}") for scope, meaning in MEANINGS.items()]
PERMISSIONS = {
    "signals.add_scan": Scope.PROPOSE,
    "signals.add_backtest": Scope.PROPOSE,
    "opinions.add_orchestrationrun": Scope.PROPOSE,
    "opinions.change_orchestrationrun": Scope.PROPOSE,
    "signals.change_signal": Scope.DECIDE,
    "approvals.add_tradeapproval": Scope.DECIDE,
    "approvals.reject_signal": Scope.DECIDE,
    "approvals.change_order": Scope.DECIDE,
    "approvals.change_drift": Scope.DECIDE,
    "approvals.change_statementdifference": Scope.DECIDE,
    "approvals.add_tradinghalt": Scope.DECIDE,
}


def needed(permission: str) -> Scope:
    """Return the narrowest scope with a permission, as in "signals.add_scan". One not listed: the widest."""
    reads = permission.partition(".")[2].startswith("view_")
    return Scope.READ if reads else PERMISSIONS.get(permission, Scope.OPERATE)
