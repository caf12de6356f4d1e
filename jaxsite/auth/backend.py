"""Who is logged in, with what they may do and when they were here: one query, not one for each."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User

from desk.models import Presence

# As SQL, because each request runs it: to put it together would take longer than the query itself.
USER = """
SELECT
    auth_user.*,
    ARRAY(
        SELECT app_label || '.' || codename FROM auth_permission
        JOIN django_content_type AS model ON model.id = content_type_id
        WHERE auth_permission.id IN (
            SELECT permission_id FROM auth_user_user_permissions WHERE user_id = auth_user.id
            UNION ALL
            SELECT permission_id FROM auth_group_permissions
            JOIN auth_user_groups USING (group_id) WHERE user_id = auth_user.id
        )
    ) AS granted,
    seen_at, left_at, back_at, told_at
FROM auth_user LEFT JOIN presences ON presences.user_id = auth_user.id
WHERE auth_user.id = %s
"""


class PermissionsWithUser(ModelBackend):
    """Django's users, groups and permissions. `granted`: all of them that a user has, as "app.codename"."""

    def get_user(self, user_id: int) -> User | None:
        user: Any = next(iter(User.objects.raw(USER, [user_id])), None)
        if user is None or not self.user_can_authenticate(user):
            return None
        found: User = user
        known = User._meta.get_field("presence")  # known to be none, too: nobody asks for it again
        known.set_cached_value(found, _presence(user))
        return found

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        granted = getattr(user_obj, "granted", None)
        if granted is None or obj is not None or user_obj.is_superuser or not user_obj.is_active:
            return super().get_all_permissions(user_obj, obj)
        return set(granted)


def _presence(user: Any) -> Presence | None:
    """From the columns beside the user's own."""
    if user.seen_at is None:
        return None
    times = {name: getattr(user, name) for name in ("seen_at", "left_at", "back_at", "told_at")}
    known = Presence(user_id=user.pk, **times)
    known._state.adding = False
    return known
