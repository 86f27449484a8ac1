from __future__ import annotations

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextareaWidget

from common.admin import confirm, tags, words
from common.admin.base import actor, refuse
from common.admin.preview import PreviewMixin
from common.admin.seen import SeenForm, agreed
from common.problems import Problem
from merchants.admin import campaign_words
from merchants.admin.site import site
from merchants.models import Audience, Deed, Message
from merchants.selectors import audiences
from merchants.selectors import messages as selectors
from merchants.services import messages as service

from . import card_lists
from .base import PortalAdmin

Status = Message.Status


class MessageForm(forms.ModelForm):
    class Meta:
        model = Message
        fields = ["title", "text", "club", "audience", "level", "segment"]
        widgets = {"text": UnfoldAdminTextareaWidget({"rows": 4, "maxlength": 500})}

    def clean(self):
        data = super().clean()
        if data.get("audience") != Audience.LEVEL:
            data["level"] = None
        if data.get("audience") != Audience.SEGMENT:
            data["segment"] = None
        if not self.errors:
            for field, words_ in service.faults(Message(**data)):
                self.add_error(field, words_)
        return data


@admin.register(Message, site=site)
class MessageAdmin(PreviewMixin, PortalAdmin):
    """What you write to your members. Only those who agreed hear it; the marketplace's app carries it to them."""

    tenant = "club__merchant"
    edits = Deed.EDIT
    empty = _("No message yet. Write one, see how many it reaches, then send it.")
    form = MessageForm
    list_display = ["title", "status_label", "club", "audience", "sent_at", "reached_about"]
    list_select_related = ["club"]
    list_filter = ["status", "club"]
    search_fields = ["title", "text"]
    search_help_text = _("Words of the title or the text.")
    preview_template = "merchants/message_preview.html"
    actions_detail = ["list_cards", "send"]
    fieldsets = [
        (None, {"fields": ["title", "text"]}),
        (_("To whom"), {"fields": [("club", "audience"), ("level", "segment")]}),
    ]

    def has_change_permission(self, request, obj=None):
        """What was sent is not changed any more."""
        return super().has_change_permission(request, obj) and (obj is None or obj.status == Status.DRAFT)

    def has_send_permission(self, request, object_id=None):
        if object_id is None:
            return self.has_edit_permission(request)
        message = self.get_object(request, str(object_id))
        return self.has_edit_permission(request) and message is not None and message.status == Status.DRAFT

    def has_list_permission(self, request, object_id=None):
        message = self.get_object(request, str(object_id))
        return self.has_edit_permission(request) and card_lists.open_for(message)

    @tags.tagged(_("status"), {Status.DRAFT: tags.WAITING, Status.SENDING: tags.NEWS, Status.SENT: tags.GOOD})
    def status_label(self, message):
        return message.status, message.get_status_display()

    @admin.display(description=_("members reached"), ordering="reached")
    def reached_about(self, message):
        return "–" if message.reached is None else words.number(selectors.about(message.reached))

    def preview(self, obj, inlines):
        now = timezone.now()
        return {
            "message": obj,
            "meant": campaign_words.meant(obj),
            "members": words.number(audiences.cards(obj, now).count()),
            "about": words.number(selectors.about(selectors.cards(obj, now).count())),
            "reached": words.number(selectors.about(obj.reached or 0)),
        }

    def _of(self, request, object_id) -> Message:
        message = self.get_object(request, str(object_id))
        if message is None:
            self._get_obj_does_not_exist_redirect(request, self.opts, str(object_id))
        return message

    @action(description=_("List cards"), icon="playlist_add", permissions=["list"])
    def list_cards(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Paste the list of cards the message is for."""
        return card_lists.page(self, request, self._of(request, object_id))

    @action(description=_("Send"), icon="send", permissions=["send"])
    def send(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Send it once, after asking."""
        message = self._of(request, object_id)
        if request.method == "POST":
            with transaction.atomic():
                draft = agreed(request, message, card_lists.mark)
                if draft is not None:
                    return self._send(request, draft)
            message = self._of(request, object_id)
        told = self.preview(message, None)
        says = [
            gettext("About %(about)s of %(members)s members have agreed to hear from you; only they get it, once.")
            % told,
            gettext("You may send %(day)d message a day and %(month)d a month.")
            % {"day": service.A_DAY, "month": service.A_MONTH},
        ]
        facts = [(gettext("Title"), message.title), (gettext("Text"), message.text)]
        title, form = gettext("Send this message?"), SeenForm(initial={"seen": card_lists.mark(message)})
        return confirm.page(
            self, request, message, title=title, says=says, facts=facts, form=form, submit=gettext("Send")
        )

    def _send(self, request, message):
        try:
            service.send(message, actor(request), timezone.now())
            messages.success(request, gettext("The message is on its way."))
        except Problem as problem:
            refuse(request, problem)
        return redirect("merchant:merchants_message_change", message.pk)
