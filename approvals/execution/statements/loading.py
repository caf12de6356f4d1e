"""Loading a statement from a file that a person has."""

from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User

from approvals.brokers import registry
from approvals.brokers.base import BrokerError
from approvals.brokers.ib import statement as ib_statement
from approvals.brokers.statements import NoStatement
from approvals.execution import brokerage
from approvals.execution.statements.record import record
from approvals.models import BrokerStatement, StatementBase
from core import sanitize

OF_IB = "A file can be loaded of Interactive Brokers only, and BROKER is {}: others' statements are fetched."


def load(content: bytes, name: str, at: datetime, by: User | None = None) -> BrokerStatement:
    """Compare a statement from a file. Raises StatementError, also where it is of another account."""
    spec = registry.spec_of(settings.BROKER)
    if spec.name != "ib":
        raise NoStatement(OF_IB.format(settings.BROKER))
    statement = ib_statement.read(content, f"the file {sanitize.plain(name, 100)}")
    own = _own_account(spec.name, at)
    if statement.account_id != own:
        raise NoStatement(f"The statement is of account {statement.account_id}, and Jax's account is {own}.")
    return record(statement, spec.name, at, by)


def _own_account(broker: str, at: datetime) -> str:
    """Return the number of our account: of the statements so far, else as the broker says now."""
    base = StatementBase.objects.filter(broker=broker).exclude(account_id="").first()
    if base:
        return base.account_id
    try:
        return brokerage.configured(at).account().account_id
    except BrokerError as error:
        raise NoStatement(
            f"Which account is Jax's cannot be read, so that nothing was compared: {error} Try again when"
            " the broker answers."
        ) from error
