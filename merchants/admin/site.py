from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from common.admin.sites import ClosedSite, login_form
from common.models import Staff

from .signed_in import role_of

# What somebody sees who is not tied to a merchant: a notice, and the own password.
_WITHOUT_ROLE = {"index", "password_change", "password_change_done", "i18n_javascript"}


class MerchantSite(ClosedSite):
    """/merchant/: the staff of merchants. Every page here is scoped to the signed-in person's merchant."""

    settings_name = "UNFOLD_MERCHANT"
    admits = Staff.Site.MERCHANTS
    wrong_site = _("This account is an operator's. Sign in at /admin/ with it, or here with a merchant's account.")
    index_title = _("Overview")
    index_template = "merchants/dashboard.html"
    # How a row without a page of its own leads to its merchant; others name it there (`tenant`).
    tenants: ClassVar[dict[str, str]] = {
        "merchants.Merchant": "pk",
        "merchants.Brand": "merchant",
        "merchants.Store": "merchant",
        "merchants.Club": "merchant",
        "merchants.LevelScheme": "club__merchant",
        "merchants.Card": "club__merchant",
    }
    # What belongs to the programme and every merchant's forms may name.
    shared: ClassVar[frozenset[str]] = frozenset({"loyalty.Tier", "members.Plan", "merchants.PointPack"})

    def register(self, model_or_iterable, admin_class=None, **options):
        """Pages that know no merchant are refused; portal/base.py judges the others."""
        if not hasattr(admin_class, "tenant"):
            raise ImproperlyConfigured(f"{admin_class}: pages of the merchants' site derive from PortalMixin.")
        super().register(model_or_iterable, admin_class, **options)

    def opens(self, request: HttpRequest, app: str, model: str, verb: str = "changelist") -> bool:
        """Whether the page of a model opens to whoever is signed in ("add": whether it lets add); sidebar and overview ask."""
        page = self._registry.get(apps.get_model(app, model))
        if page is None:
            return False
        return page.has_add_permission(request) if verb == "add" else page.has_module_permission(request)

    def rows(self, request: HttpRequest, model: type[Model]) -> QuerySet:
        """The rows of a model that belong to the signed-in person's merchant; none where no way leads to it."""
        role, rows = role_of(request), model._default_manager.all()
        if role and model._meta.label in self.shared:
            return rows
        page = self._registry.get(model)
        tenant = page.tenant if page else self.tenants.get(model._meta.label)
        return rows.filter(**{tenant: role.merchant}) if role and tenant else rows.none()

    def admin_view(self, view: Callable, cacheable: bool = False) -> Callable[..., HttpResponse]:
        """As Django's; and whoever is tied to no merchant gets nothing but a notice."""
        own = getattr(view, "__self__", None) is self
        open_to_all = own and view.__name__ in _WITHOUT_ROLE
        return super().admin_view(view if open_to_all else _with_role(view), cacheable)

    def get_urls(self) -> list[Any]:
        """Without Django's redirect to the public page of any row, which tells whether a row is there."""
        return [pattern for pattern in super().get_urls() if getattr(pattern, "name", None) != "view_on_site"]


def _with_role(view: Callable) -> Callable[..., HttpResponse]:
    @wraps(view)
    def guarded(request, *args, **kwargs):
        if role_of(request) is None:
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return guarded


MerchantSite.login_form = login_form(MerchantSite)

site = MerchantSite(name="merchant")
