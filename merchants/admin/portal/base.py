"""What every page of the merchants' site shares: rows of the signed-in person's merchant, and deeds of that person's role."""

from __future__ import annotations

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from common.admin.base import Admin, AuditedAdmin
from merchants.models import Deed, Merchant, StaffRole


def role_of(request: HttpRequest) -> StaffRole | None:
    """The signed-in person's role, read once a request; None for somebody who is tied to no merchant."""
    if not hasattr(request, "_merchant_role"):
        role = StaffRole.objects.select_related("merchant").filter(staff_id=request.user.pk).first()
        request._merchant_role = role  # type: ignore[attr-defined]
    return request._merchant_role  # type: ignore[attr-defined]


def merchant_of(request: HttpRequest) -> Merchant:
    """The merchant whose rows this request may see. Call it only where a role was checked."""
    role = role_of(request)
    assert role is not None
    return role.merchant


class PortalMixin:
    """Rows of one merchant only: `tenant` is the lookup that leads from a row to its merchant.

    Lists, searches, filters, autocompletes, exports and addresses all begin at `get_queryset`; what a form offers is
    scoped by `choices`. `looks` and `edits` name the deeds that reading and writing take (StaffRole.may).
    """

    tenant: str = "merchant"
    looks: str = Deed.LOOK
    edits: str | None = None

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        role = role_of(request)
        rows = super().get_queryset(request)  # type: ignore[misc]
        return rows.filter(**{self.tenant: role.merchant}) if role else rows.none()

    def choices(self, request: HttpRequest, model: type[Model]) -> QuerySet:
        """What a foreign key in a form may name: rows of the own merchant. A model without a way to it is refused."""
        tenant = getattr(self.admin_site, "tenants", {}).get(model._meta.label)  # type: ignore[attr-defined]
        role = role_of(request)
        rows = model._default_manager.all()
        if tenant is None or role is None:
            return rows.none()
        return rows.filter(**{tenant: role.merchant})

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        kwargs.setdefault("queryset", self.choices(request, db_field.related_model))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]

    def formfield_for_manytomany(self, db_field, request, **kwargs):
        kwargs.setdefault("queryset", self.choices(request, db_field.related_model))
        return super().formfield_for_manytomany(db_field, request, **kwargs)  # type: ignore[misc]

    def has_module_permission(self, request):
        return self._may(request, self.looks)

    def has_view_permission(self, request, obj=None):
        return self._may(request, self.looks)

    def has_add_permission(self, request, obj=None):
        return self._may(request, self.edits)

    def has_change_permission(self, request, obj=None):
        return self._may(request, self.edits)

    def has_delete_permission(self, request, obj=None):
        return False

    @staticmethod
    def _may(request: HttpRequest, deed: str | None) -> bool:
        role = role_of(request)
        return bool(deed and role and role.may(deed))


class PortalAdmin(PortalMixin, AuditedAdmin):
    """Configuration of one merchant: forms, audited."""


class PortalReadOnlyAdmin(PortalMixin, Admin):
    """What services write, for one merchant: looked at, never typed over."""

    actions = None
    edits = None
    warn_unsaved_form = False
