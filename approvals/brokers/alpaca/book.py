"""Finding orders at Alpaca: by our id, with their legs, whatever replaced them; and whose an execution is."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import quote
from uuid import UUID

from approvals.brokers.alpaca import ids, rows
from approvals.brokers.alpaca.rows import Family
from approvals.brokers.alpaca.values import Row, moment
from approvals.brokers.alpaca.wire import Api
from approvals.brokers.base import AnswerLost, Leg, LegState

ORDERS, BY_CLIENT_ID = "/v2/orders", "/v2/orders:by_client_order_id"
NESTED = {"nested": "true"}
ON_PAGE, MOST_PAGES = 500, 20
LONGEST_LIFE = timedelta(days=91)  # an order good till cancelled ends after 90
MOST_CHANGES = 30  # of one order, that are followed
A_MOMENT = timedelta(seconds=5)  # by which the times of a bracket's legs may differ
MOST_KNOWN = 50_000


class Owner(NamedTuple):
    """Whose an order at Alpaca is. `client_id`: None for one that is not ours."""

    client_id: UUID | None
    leg: Leg


FOREIGN = Owner(None, Leg.ENTRY)


class Book:
    """The orders of one account. `owners`: what is known of orders by Alpaca's id; it never changes."""

    def __init__(self, api: Api, owners: dict[str, Owner]) -> None:
        self._api, self._owners = api, owners

    # --- one order ----------------------------------------------------------------------------------------

    def find(self, client_id: UUID) -> Family | None:
        """Return an order of ours as it stands; None when Alpaca does not have it."""
        row = self.by_own_id(ids.own(client_id))
        return None if row is None else self.family(row)

    def placed(self, row: Row) -> Family:
        """Return an order as the answer to its placing has it."""
        return self._noted(Family(row, row.get("legs") or ()))

    def by_own_id(self, own_id: str) -> Row | None:
        return self._api.find(BY_CLIENT_ID, {"client_order_id": own_id, **NESTED})

    def row(self, order_id: str) -> Row | None:
        return self._api.find(f"{ORDERS}/{quote(str(order_id), safe='')}", NESTED)

    def family(self, row: Row) -> Family:
        """Return an order with its legs and what it was before, asking for what the row does not have."""
        if row.get("legs") is None and row.get("order_class") in rows.GROUPS:
            row = self.row(row["id"]) or row
        if rows.role(row) is Leg.CLOSE:
            own = ids.read(row.get("client_order_id"))
            return self._noted(Family(row, legs=self.further_parts(own.client_id) if own else ()))
        chain = [*self._predecessors(row), *self._successors(row)]
        heads = [member for member in chain if self._is_same_order(member, row)]
        legs = self._followed(next((member["legs"] for member in reversed(chain) if member.get("legs")), []))
        family = Family(heads[-1], legs, heads[:-1])
        if rows.is_bare(family):
            family = Family(heads[-1], [*legs, *self.rests(family.client_id)], heads[:-1])
        return self._noted(family)

    def rests(self, client_id: UUID | None) -> list[Row]:
        """Return the exits that took the place of those an order was placed with."""
        found: list[Row] = []
        number = 1
        while client_id and (head := self.by_own_id(ids.rest(client_id, number))):
            pair = self.family_of_rest(head)
            found += pair
            number += 1
        return found

    def family_of_rest(self, head: Row) -> list[Row]:
        head = head if head.get("legs") else self.row(head["id"]) or head
        chain = self._successors(head)
        legs: list[Row] = next((member["legs"] for member in reversed(chain) if member.get("legs")), [])
        return [*chain, *self._followed(legs)]

    def _is_same_order(self, member: Row, row: Row) -> bool:
        """Return whether a row is the order itself: a closing that took its place is another order."""
        own = ids.read(member.get("client_order_id"))
        ours = ids.read(row.get("client_order_id"))
        return own is None or ours is None or own.client_id == ours.client_id

    def _predecessors(self, row: Row) -> list[Row]:
        found: list[Row] = []
        while row.get("replaces") and len(found) < MOST_CHANGES:
            before = self.row(row["replaces"])
            if before is None:
                break
            found.insert(0, before)
            row = before
        return found

    def _successors(self, row: Row) -> list[Row]:
        """Return the row and what replaced it. A target that became its stop has no successor."""
        found = [row]
        while rows.state(row) is LegState.REPLACED and row.get("replaced_by") and len(found) < MOST_CHANGES:
            after = self.row(row["replaced_by"])
            if after is None or after.get("type") != row.get("type"):
                break
            found.append(after)
            row = after
        return found

    def _followed(self, legs: Sequence[Row]) -> list[Row]:
        """Return the legs with those that replaced them."""
        followed = list(legs)
        known = {leg["id"] for leg in legs}
        for leg in legs:
            if leg.get("replaced_by") and leg["replaced_by"] not in known:
                followed += self._successors(leg)[1:]
        return followed

    def further_parts(self, client_id: UUID) -> list[Row]:
        """Return the orders that a closing consists of besides its own: one for each pair of exits."""
        parts: list[Row] = []
        while part := self.by_own_id(ids.changed(client_id, Leg.CLOSE, len(parts) + 1)):
            parts.append(part)
        return parts

    def has_known(self, client_id: UUID) -> bool:
        """Return whether an order of ours was there, as far as this process remembers."""
        return any(owner.client_id == client_id for owner in self._owners.values())

    # --- many orders --------------------------------------------------------------------------------------

    def alive(self, at: datetime) -> Iterator[Family]:
        """Yield the orders of which anything can still fill, others' included.

        Alpaca's list of open orders leaves out the exits of what has filled, so that all are looked through.
        """
        for row in self._all({"after": stamp(at - LONGEST_LIFE)}):
            members = [row, *(row.get("legs") or ())]
            self._note(row, members)
            if any(map(rows.is_live, members)):
                yield from self._alive_in(row)
            for leg in members[1:]:
                if rows.role(leg) is Leg.CLOSE and rows.is_live(leg):
                    yield from self._alive_in(leg)

    def _alive_in(self, row: Row) -> Iterator[Family]:
        """Yield the order that a living row is or belongs to; a further part of a closing is that's."""
        own = ids.read(row.get("client_order_id"))
        if own is None:
            yield Family(row)
        elif own.is_rest:
            if family := self.find(own.client_id):
                yield family
        elif own.leg is not Leg.CLOSE:
            yield self.family(row)

    def _all(self, query: Mapping[str, str]) -> Iterator[Row]:
        """Yield the orders with their legs, the newest first, page by page."""
        seen: set[str] = set()
        wanted = {"status": "all", "limit": str(ON_PAGE), "direction": "desc", **NESTED, **query}
        for _ in range(MOST_PAGES):
            page = self._api.rows(ORDERS, wanted)
            fresh = [row for row in page if row["id"] not in seen]
            yield from fresh
            seen |= {row["id"] for row in fresh}
            if len(page) < ON_PAGE or not fresh:
                return
            oldest = moment(page[-1]["submitted_at"])
            wanted["until"] = stamp(oldest + timedelta(milliseconds=1))
        raise AnswerLost(f"Alpaca has more than {MOST_PAGES * ON_PAGE} orders of the last 90 days.")

    # --- whose an execution is ----------------------------------------------------------------------------

    def owners(self, order_ids: Iterable[str]) -> Mapping[str, Owner]:
        """Return whose these orders are."""
        return {order_id: self._owner(order_id) for order_id in set(order_ids)}

    def _owner(self, order_id: str) -> Owner:
        if order_id not in self._owners:
            row = self.row(order_id)
            if row is None:
                return FOREIGN
            self._note(row, [row, *(row.get("legs") or ())])
            if self._owners[order_id] == FOREIGN:
                self._note_parent_of(row)
        return self._owners[order_id]

    def _note_parent_of(self, row: Row) -> None:
        """Look for the order of ours whose leg a row is, or was before a person replaced it by hand."""
        chain = [*self._predecessors(row), row]
        first = moment(chain[0]["submitted_at"])
        span = {"after": stamp(first - A_MOMENT), "until": stamp(first + A_MOMENT), "symbols": row["symbol"]}
        for other in self._all(span):
            legs = other.get("legs") or []
            if {leg["id"] for leg in legs} & {member["id"] for member in chain}:
                self._note(other, [other, *legs, *chain])

    def _noted(self, family: Family) -> Family:
        self._note(family.head, [family.head, *family.legs, *family.before])
        return family

    def _note(self, head: Row, members: Iterable[Row]) -> None:
        """Remember whose the members of an order are."""
        if len(self._owners) > MOST_KNOWN:
            self._owners.clear()
        ours = ids.read(head.get("client_order_id"))
        for row in members:
            own = ids.read(row.get("client_order_id")) or ours
            known = self._owners.get(row["id"], FOREIGN)
            if known == FOREIGN:
                self._owners[row["id"]] = Owner(own.client_id, rows.role(row)) if own else FOREIGN


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
