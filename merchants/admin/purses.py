"""Merchants' purses on the operators' site: what they hold, the mark, the contract."""

from __future__ import annotations

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextareaWidget

from common import clock
from common.admin import confirm, tags, words
from common.admin.base import AuditedAdmin, actor
from merchants.admin import purse_words
from merchants.models import Purse
from merchants.services import purses


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("reason"), max_length=500, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}))


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return [("low", _("below its mark")), ("closed", _("closed"))]

    def queryset(self, request, queryset):
        if self.value() == "low":
            return queryset.filter(low_at__gt=0, account__available__lt=F("low_at"))
        return queryset.filter(account__closed_at__isnull=False) if self.value() == "closed" else queryset


@admin.register(Purse)
class PurseAdmin(AuditedAdmin):
    """What merchants have bought and not given yet."""

    empty = _("No merchant has a purse yet. It is made with the first purchase.")
    list_display = ["merchant", "available", "state", "warn_below", "breakage"]
    list_filter = [StateFilter, "breakage"]
    list_select_related = ["merchant", "account"]
    search_fields = ["merchant__name", "merchant__code"]
    search_help_text = _("A merchant's name or code.")
    fields = ["merchant", "available", "low_at", "breakage"]
    readonly_fields = ["merchant", "available"]
    change_form_template = "merchants/purse_change_form.html"
    actions_detail = ["statement", "close"]

    def get_urls(self):
        view = self.admin_site.admin_view(self.statement_view)
        return [path("<path:object_id>/statement/", view, name="merchants_purse_statement"), *super().get_urls()]

    def has_add_permission(self, request):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    @admin.display(description=_("points"), ordering="account__available")
    def available(self, purse):
        return words.number(purse.account.available)

    @admin.display(description=_("warn below"), ordering="low_at")
    def warn_below(self, purse):
        return words.number(purse.low_at) if purse.low_at else "–"

    @tags.tagged(_("state"), {"low": tags.WAITING, "closed": tags.BAD, "open": tags.GOOD})
    def state(self, purse):
        if purse.account.closed_at:
            return "closed", gettext("closed")
        low = purse.low_at and purse.account.available < purse.low_at
        return ("low", gettext("low")) if low else ("open", gettext("open"))

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        if obj is not None:
            context |= purse_words.overview(obj, timezone.now())
        return super().render_change_form(request, context, add, change, form_url, obj)

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        purses.watch(timezone.now(), obj)

    @action(description=_("Statement"), icon="receipt_long", permissions=["view"])
    def statement(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return redirect("admin:merchants_purse_statement", object_id)

    def statement_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Every movement of a month, on a page or as a file."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        purse = self.get_object(request, object_id)
        if purse is None:
            raise Http404
        today = clock.local_date(timezone.now())
        if kind := request.GET.get("export"):
            return purse_words.statement_file(purse, purse_words.month_of(request, today), kind)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": gettext("Statement of %s") % purse.merchant,
            "back": reverse("admin:merchants_purse_change", args=[purse.pk]),
            **purse_words.statement(purse, request, today),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "merchants/statement.html", context)

    def has_close_permission(self, request: HttpRequest, object_id=None) -> bool:
        if not request.user.has_perm("merchants.close_purse"):
            return False
        purse = self.get_object(request, object_id)
        return purse is not None and purse.account.closed_at is None

    @action(description=_("Close"), icon="lock", permissions=["close"])
    def close(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """The merchant leaves."""
        purse = get_object_or_404(Purse.objects.select_related("merchant", "account"), pk=object_id)
        form = ReasonForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            purses.close(purse, reason=form.cleaned_data["reason"], actor=actor(request), at=timezone.now())
            messages.success(request, gettext("The purse is closed."))
            return redirect("admin:merchants_purse_change", object_id)
        says = [
            gettext("The purse pays for nothing any more, and it cannot be filled. This is not undone."),
            gettext("Points that members hold stay good. What is taken back from them goes to the platform."),
            gettext("Pay back what is left before or afterwards, purchase by purchase."),
        ]
        facts = [(gettext("Points in the purse"), words.number(purse.account.available))]
        return confirm.page(
            self,
            request,
            purse,
            title=gettext("Close the purse?"),
            says=says,
            facts=facts,
            form=form,
            submit=gettext("Close it"),
        )
