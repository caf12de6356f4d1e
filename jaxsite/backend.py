"""Who is logged in, with what they may do and when they were here: one query, not one for each."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission, User
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Q, Value
from django.db.models.functions import Concat
from django.db.models.query import QuerySet

GRANTED = ArraySubquery(
    Permission.objects.filter(Q(user=OuterRef("pk")) | Q(group__user=OuterRef("pk")))
    .order_by()
    .values_list(Concat("content_type__app_label", Value("."), "codename"), flat=True)
)


class PermissionsWithUser(ModelBackend):
    """Django's users, groups and permissions."""

    def get_user(self, user_id: int) -> User | None:
        users: QuerySet[User] = User.objects.annotate(granted=GRANTED).select_related("presence")
        user = users.filter(pk=user_id).first()
        return user if user and self.user_can_authenticate(user) else None

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        granted = getattr(user_obj, "granted", None)
        if granted is None or obj is not None or user_obj.is_superuser or not user_obj.is_active:
            return super().get_all_permissions(user_obj, obj)
        return set(granted)
