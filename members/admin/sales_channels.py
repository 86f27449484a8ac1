"""The ways by which plans are sold: what each owes, and the keys of those that sell by themselves."""

from __future__ import annotations

import datetime as dt

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSplitDateTimeWidget, UnfoldAdminTextInputWidget

from common import clock
from common.admin import confirm, words
from common.admin.base import AuditedAdmin, actor
from common.models import ApiKey
from members.models import SalesChannel
from members.selectors import sales_channels as channel_sums
from members.services import sales_channels


class KeyForm(forms.Form):
    name = forms.CharField(
        label=_("name"), max_length=100, widget=UnfoldAdminTextInputWidget(), help_text=_("Whose program will use it.")
    )
    expires_at = forms.SplitDateTimeField(
        label=_("good until"), required=False, widget=UnfoldAdminSplitDateTimeWidget()
    )

    def clean_name(self):
        name = self.cleaned_data["name"]
        if ApiKey.objects.filter(name=name).exists():
            raise forms.ValidationError(gettext("There is a key with this name."))
        return name


@admin.register(SalesChannel)
class SalesChannelAdmin(AuditedAdmin):
    """By which ways plans are sold, and what each owes."""

    empty = _("No channel yet. The shop's own checkout is one; banks, airlines and companies are others.")
    list_display = ["name", "code", "kind", "payee_words", "is_active"]
    list_filter = ["kind", "is_active"]
    search_fields = ["name", "code"]
    search_help_text = _("A name or a code.")
    prepopulated_fields = {"code": ["name"]}
    readonly_fields = ["payee_words", "keys_words"]
    actions_list = ["settlement"]
    actions_detail = ["issue_key"]

    def get_fields(self, request, obj=None):
        fields = ["name", "code", "kind", "is_active"]
        return [*fields, "payee_words", "keys_words"] if obj else fields

    def get_readonly_fields(self, request, obj=None):
        return [*self.readonly_fields, "code"] if obj else self.readonly_fields

    def get_prepopulated_fields(self, request, obj=None):
        return {} if obj else self.prepopulated_fields

    def has_delete_permission(self, request, obj=None):
        return False

    def has_issue_key_permission(self, request: HttpRequest, object_id=None) -> bool:
        return request.user.has_perm("common.add_apikey")

    @admin.display(description=_("money back goes to"))
    def payee_words(self, channel):
        return gettext("the member") if channel.payee == "member" else gettext("the channel")

    @admin.display(description=_("API keys"))
    def keys_words(self, channel):
        keys = [one.key for one in channel.keys.select_related("key").order_by("-id")]
        if not keys:
            return gettext("None: it sells by files of codes only.")
        return format_html_join(", ", "{}", ((words.link(key),) for key in keys))

    @action(description=_("Issue an API key"), icon="key", permissions=["issue_key"], url_path="issue-key")
    def issue_key(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """A key with which the channel sells by itself; shown once."""
        channel = get_object_or_404(SalesChannel, pk=object_id)
        form = KeyForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            _key, text = sales_channels.issue_key(
                channel, form.cleaned_data["name"], actor(request), timezone.now(), form.cleaned_data["expires_at"]
            )
            say = gettext("Copy the key now, it will not be shown again:")
            messages.warning(request, format_html('{} <code class="lp-secret">{}</code>', say, text))
            return redirect("admin:members_saleschannel_change", object_id)
        return confirm.page(
            self,
            request,
            channel,
            title=gettext("Issue an API key for %s?") % channel,
            says=[
                gettext(
                    "Whoever has it sells this channel's codes, cancels its sales, and sees what it sold and owes."
                ),
                gettext("It opens nothing else: no members, no other channel. Revoke it among the API keys."),
            ],
            submit=gettext("Issue"),
            form=form,
        )

    @action(description=_("Month settlement"), icon="receipt_long", url_path="settlement", permissions=["view"])
    def settlement(self, request: HttpRequest) -> HttpResponse:
        """What each channel sold in a month, and what is due."""
        month = _month(request.GET.get("month", ""))
        rows = [
            {
                "channel": channel,
                "sold": words.number(channel.sold),
                "owed": words.money(channel.owed),
                "returned": words.number(channel.returned),
                "refunded": words.money(channel.refunded),
                "due": words.money(channel.owed - channel.refunded),
            }
            for channel in channel_sums.settlement(month)
        ]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": gettext("Settlement of the channels"),
            "month": month,
            "earlier": clock.months_after(month, -1),
            "later": clock.months_after(month, 1),
            "rows": rows,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "members/channel_settlement.html", context)


def _month(text: str) -> dt.date:
    """The month the page asks for; this one, if it asks for none that there is."""
    try:
        return clock.month(text)
    except ValueError:
        return clock.month_start(clock.local_date(timezone.now()))
