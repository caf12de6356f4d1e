"""The roles that one chooses among for a user: groups, and whether the admin lets them in, follow."""

from dataclasses import dataclass

from django.contrib.auth.models import Group, User

from approvals.roles import OPERATOR, TRADER, VIEWER

MAY = {
    VIEWER: "reads everything of the market, the signals and the decisions",
    TRADER: "reads everything; approves and rejects signals, releases and cancels orders, closes positions, "
    "halts",
    OPERATOR: "reads everything; looks after instruments and strategies, halts, resumes; decides on nothing",
}
ADMINISTRATOR = "may do everything. Use it to set Jax up, and another login to trade"


@dataclass(frozen=True)
class Role:
    """Exactly these groups, no permissions of one's own. `is_staff`: the admin lets them in."""

    name: str
    may: str
    groups: frozenset[str]
    is_staff: bool = False
    is_superuser: bool = False

    def fits(self, user: User) -> bool:
        """Return whether the user has this role and nothing besides."""
        flags = (user.is_staff, user.is_superuser) == (self.is_staff, self.is_superuser)
        return flags and {group.name for group in user.groups.all()} == self.groups

    def set_flags(self, user: User) -> None:
        user.is_staff, user.is_superuser = self.is_staff, self.is_superuser

    def set_groups(self, user: User) -> None:
        user.groups.set(Group.objects.filter(name__in=self.groups))
        user.user_permissions.clear()

    def missing_groups(self) -> set[str]:
        there = Group.objects.filter(name__in=self.groups).values_list("name", flat=True)
        return set(self.groups) - {*there}


ROLES = {
    role.name: role
    for role in (
        Role("viewer", MAY[VIEWER], frozenset({VIEWER})),
        Role("trader", MAY[TRADER], frozenset({TRADER})),
        Role("operator", f"{MAY[OPERATOR]}. The admin lets them in", frozenset({OPERATOR}), is_staff=True),
        Role("trader and operator", "may do what both may", frozenset({TRADER, OPERATOR}), is_staff=True),
        Role("administrator", ADMINISTRATOR, frozenset(), is_staff=True, is_superuser=True),
    )
}


def role_of(user: User) -> Role | None:
    """Return the role of a user; None when groups or permissions were chosen one by one."""
    if user.user_permissions.all():
        return None
    return next((role for role in ROLES.values() if role.fits(user)), None)
