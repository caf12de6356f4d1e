"""Permissions of the API: the default of every view."""

from typing import Any

from rest_framework.permissions import BasePermission, DjangoModelPermissions
from rest_framework.request import Request

VIEW = ["%(app_label)s.view_%(model_name)s"]


class ModelPermissions(DjangoModelPermissions):
    """Reading asks for the permission to view the view's model, as writing asks for that to add or change."""

    message = (
        "Your user may not do this. Ask whoever runs this site for a role: viewers read, traders decide, "
        "operators configure and halt."
    )
    perms_map = DjangoModelPermissions.perms_map | {"GET": VIEW, "HEAD": VIEW, "OPTIONS": VIEW}

    def asked_for(self, method: str, view: Any) -> list[str]:
        """Return the permissions that a method takes."""
        return list(self.get_required_permissions(method, self._queryset(view).model))


class MayChange(ModelPermissions):
    """An action on a row that is there asks for the permission to change it."""

    perms_map = ModelPermissions.perms_map | {"POST": ["%(app_label)s.change_%(model_name)s"]}


class OnePermission(BasePermission):
    """Asks for one permission, whatever the model of the view."""

    permission = ""

    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(request.user and request.user.has_perm(self.permission))

    def asked_for(self, method: str, view: Any) -> list[str]:
        return [self.permission]
