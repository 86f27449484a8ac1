from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from common.models import ApiKey
from common.problems import Problem
from common.services import api_keys

from . import confirm, tags
from .base import Admin, actor, refuse


class IssueForm(forms.ModelForm):
    """What a new key may do."""

    scopes = forms.MultipleChoiceField(
        label=_("may"),
        choices=[choice for choice in ApiKey.Scope.choices if choice[0] not in ApiKey.BOUND],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("Give a key only what its program needs."),
    )

    class Meta:
        model = ApiKey
        fields = ["name", "scopes", "expires_at"]


@admin.register(ApiKey)
class ApiKeyAdmin(Admin):
    """Secrets that shops' programs sign in with. A key is issued and revoked, never edited."""

    empty = _("No program may call the API yet. Issue a key for your shop's back end.")
    form = IssueForm
    list_display = ["name", "status_label", "may", "created_at", "created_by", "expires_at"]
    list_select_related = ["created_by"]
    search_fields = ["name", "prefix"]
    actions = None
    actions_detail = ["revoke"]
    readonly_fields = ["status_label", "may", "prefix", "created_at", "created_by", "revoked_at"]

    def get_fields(self, request, obj=None):
        if obj is None:
            return ["name", "scopes", "expires_at"]
        return ["name", "status_label", "may", "prefix", "created_at", "created_by", "expires_at", "revoked_at"]

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def has_revoke_permission(self, request: HttpRequest, object_id=None) -> bool:
        return request.user.has_perm("common.revoke_apikey")

    @tags.tagged(_("status"), {"live": tags.GOOD, "expired": tags.WAITING, "revoked": tags.BAD})
    def status_label(self, key):
        if key.revoked_at:
            return "revoked", gettext("Revoked")
        if key.expires_at and key.expires_at <= timezone.now():
            return "expired", gettext("Expired")
        return "live", gettext("Live")

    @admin.display(description=_("may"))
    def may(self, key):
        labels = dict(ApiKey.Scope.choices)
        return ", ".join(str(labels.get(scope, scope)) for scope in key.scopes) or "–"

    def save_model(self, request, obj, form, change):
        key, secret = api_keys.issue(obj.name, obj.scopes, actor(request), timezone.now(), expires_at=obj.expires_at)
        obj.__dict__.update(key.__dict__)
        say = gettext("Copy the key now, it will not be shown again:")
        messages.warning(request, format_html('{} <code class="lp-secret">{}</code>', say, secret))

    @action(description=_("Revoke"), icon="block", permissions=["revoke"])
    def revoke(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Make the key useless from now on, after asking."""
        key = get_object_or_404(ApiKey, pk=object_id)
        if request.method != "POST":
            says = [
                gettext("Programs that sign in with “%s” are refused from this moment. It cannot be undone.") % key.name
            ]
            return confirm.page(
                self, request, key, title=gettext("Revoke this key?"), says=says, submit=gettext("Revoke")
            )
        try:
            api_keys.revoke(key, actor(request), timezone.now())
            messages.success(request, gettext("The key is revoked."))
        except Problem as problem:
            refuse(request, problem)
        return redirect("admin:common_apikey_change", object_id)
