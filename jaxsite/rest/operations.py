"""How an operation of the API is described: with the scope that a token needs for it."""

from typing import Any

from drf_spectacular.openapi import AutoSchema

from jaxsite.scopes import ORDER, Scope, needed


class Operation(AutoSchema):
    def get_description(self) -> str:  # type: ignore[override]  # as that of spectacular
        described = super().get_description()
        return f"{described}\n\nA token needs the scope `{self.scope}` or a wider one.".lstrip()

    def get_extensions(self) -> Any:
        return {"x-token-scope": self.scope.value}

    @property
    def scope(self) -> Scope:
        rules: list[Any] = [*self.view.get_permissions()]
        permissions = [permission for rule in rules for permission in rule.asked_for(self.method, self.view)]
        return max(map(needed, permissions), key=ORDER.index, default=Scope.READ)
