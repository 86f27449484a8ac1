"""What every page of the merchants' site shares: rows of the signed-in person's merchant, and deeds of that person's role.

A page that could show another merchant's rows does not start: see `PortalMixin.__init__`. What pages write themselves
(own views, filters and forms) is held to it by merchants/tests/admin/test_isolation.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps

from django.contrib.admin import RelatedOnlyFieldListFilter
from django.contrib.admin.options import BaseModelAdmin, ModelAdmin
from django.contrib.admin.utils import get_fields_from_path, unquote
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db.models import Field, Model, QuerySet
from django.http import Http404, HttpRequest
from django.urls import URLPattern
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import TabularInline

from common.admin.base import Admin, AuditedAdmin
from merchants.admin.signed_in import may, merchant_of, role_of
from merchants.admin.site import MerchantSite
from merchants.models import Deed, Merchant

__all__ = [
    "PortalAdmin",
    "PortalInline",
    "PortalMixin",
    "PortalReadOnlyAdmin",
    "PortalReadOnlyInline",
    "may",
    "merchant_of",
    "role_of",
]


class _Scoped(BaseModelAdmin):
    """Forms offer rows of the own merchant; `looks` and `edits` name the deeds that reading and writing take."""

    admin_site: MerchantSite
    looks: str = Deed.LOOK
    edits: str | None = None

    def choices(self, request: HttpRequest, model: type[Model]) -> QuerySet:
        """What a foreign key in a form may name: rows of the own merchant, or of the programme (`site.shared`)."""
        return self.admin_site.rows(request, model)

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        kwargs.setdefault("queryset", self.choices(request, db_field.related_model))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field, request, **kwargs):
        kwargs.setdefault("queryset", self.choices(request, db_field.related_model))
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def has_view_permission(self, request, obj=None):
        return may(request, self.looks)

    def has_add_permission(self, request, obj=None):
        return may(request, self.edits)

    def has_change_permission(self, request, obj=None):
        return may(request, self.edits)


class OwnRowsFilter(RelatedOnlyFieldListFilter):
    """Offers what the own rows name. Asked for another row it finds nothing, also where one choice alone is not shown."""

    def has_output(self):
        return super().has_output() or self.lookup_val is not None


class PortalMixin(_Scoped, ModelAdmin):
    """Rows of one merchant only: `tenant` is the lookup that leads from a row to its merchant.

    Lists, searches, filters, autocompletes, exports and addresses all begin at `get_queryset`. An action may ask for
    `permissions=["edit"]`, "insight", "start" or "buy".
    """

    tenant: str = "merchant"

    def __init__(self, model, admin_site):
        super().__init__(model, admin_site)
        if faults := list(self._faults()):
            raise ImproperlyConfigured(
                f"{type(self).__name__} is not safe at the merchants' site: {'; '.join(faults)}."
            )

    def _faults(self) -> Iterator[str]:
        """What would let rows of other merchants through."""
        if not _leads_to_merchant(self.model, self.tenant):
            yield f"`tenant` ({self.tenant}) does not lead from one row to one merchant"
        if isinstance(self, SimpleHistoryAdmin):
            yield "the pages of kept history look rows up by number, past get_queryset"
        for part in (self, *self.inlines):
            if part.raw_id_fields:
                yield "raw_id_fields show the name of any row; use autocomplete_fields"
        for inline in self.inlines:
            if not issubclass(inline, _Scoped):
                yield f"{inline.__name__} is no PortalInline"
        for entry in self.list_filter:
            if not isinstance(entry, tuple | list) or not _is_relation(self.model, entry[0]):
                continue
            if not issubclass(entry[1], RelatedOnlyFieldListFilter):
                yield f"the filter by {entry[0]} offers rows of all merchants; name the field alone"

    @property
    def urls(self) -> list[URLPattern]:
        """As Django's; and every address below that names a row is not found unless the row is the own merchant's."""
        patterns = super().urls
        for pattern in patterns:
            pattern.callback = self._of_own_row(pattern.callback)
        return patterns

    def _of_own_row(self, view: Callable) -> Callable:
        @wraps(view)
        def guarded(request, *args, **kwargs):
            key = kwargs.get("object_id")
            if key is not None and role_of(request) and self.get_object(request, unquote(str(key))) is None:
                raise Http404
            return view(request, *args, **kwargs)

        return guarded

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        role = role_of(request)
        rows = super().get_queryset(request)
        return rows.filter(**{self.tenant: role.merchant}) if role else rows.none()

    def behalf(self, request: HttpRequest) -> str:
        """Looks at members are written down for the own merchant."""
        role = role_of(request)
        return role.merchant.code if role else ""

    def get_list_filter(self, request):
        """A filter by a relation offers what the own rows name, not every row there is."""
        return [
            (entry, OwnRowsFilter) if _is_relation(self.model, entry) else entry
            for entry in super().get_list_filter(request)
        ]

    def lookup_allowed(self, lookup, value, request=None):
        """As Django's; but an address may not ask from here back into tables that name this one."""
        try:
            field = self.opts.get_field(lookup.split("__")[0])
        except FieldDoesNotExist:
            field = None
        if field is not None and not isinstance(field, Field):
            return False
        return super().lookup_allowed(lookup, value, request)

    def _get_obj_does_not_exist_redirect(self, request, opts, object_id):
        """What is not there and what is another's are the same: not found."""
        raise Http404

    def history_view(self, request, object_id, extra_context=None):
        """Operators keep the log, with their names; it is not shown here."""
        raise Http404

    def has_module_permission(self, request):
        return may(request, self.looks)

    def has_delete_permission(self, request, obj=None):
        return False

    def has_export_permission(self, request):
        return may(request, self.looks)

    def has_import_permission(self, request):
        return may(request, self.edits)

    def has_edit_permission(self, request, object_id=None):
        return may(request, Deed.EDIT)

    def has_insight_permission(self, request, object_id=None):
        return may(request, Deed.INSIGHT)

    def has_start_permission(self, request, object_id=None):
        return may(request, Deed.START)

    def has_buy_permission(self, request, object_id=None):
        return may(request, Deed.BUY)


class PortalAdmin(PortalMixin, AuditedAdmin):
    """Configuration of one merchant: forms, audited."""


class PortalReadOnlyAdmin(PortalMixin, Admin):
    """What services write, for one merchant: looked at, never typed over."""

    actions = None
    edits = None
    warn_unsaved_form = False


class PortalInline(_Scoped, TabularInline):
    """Rows below a row; they are the own merchant's because that one is."""

    extra = 0
    tab = True

    def has_delete_permission(self, request, obj=None):
        return may(request, self.edits)


class PortalReadOnlyInline(PortalInline):
    """Rows below a row that services write."""

    edits = None
    show_change_link = False
    per_page = 50


def _is_relation(model: type[Model], entry) -> bool:
    if isinstance(entry, str):
        return get_fields_from_path(model, entry)[-1].is_relation
    return False


def _leads_to_merchant(model: type[Model], path: str) -> bool:
    """Whether the path goes over foreign keys only, so that a row has one merchant."""
    if path == "pk":
        return model is Merchant
    for name in path.split("__"):
        try:
            field = model._meta.get_field(name)
        except (FieldDoesNotExist, AttributeError):
            return False
        if not (field.many_to_one or field.one_to_one) or not field.concrete:
            return False
        model = field.related_model
    return model is Merchant
