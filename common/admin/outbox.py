from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextInputWidget

from common.models import Delivery, DeliveryAttempt, Fact, WebhookEndpoint
from common.problems import Problem
from common.services import outbox, webhooks

from . import confirm, tags, words
from .base import Admin, ReadOnlyAdmin, ReadOnlyInline, actor, refuse


class DeliveryInline(ReadOnlyInline):
    model = Delivery
    fields = ["subscriber", "endpoint", "status", "attempts", "next_attempt_at", "done_at", "last_error"]
    show_change_link = True


@admin.register(Fact)
class FactAdmin(ReadOnlyAdmin):
    """What happened, as we told everybody who asked to be told."""

    empty = _("Nothing has happened yet.")
    list_display = ["at", "topic", "key", "said", "sent"]
    list_filter = [("at", RangeDateTimeFilter), "topic"]
    search_fields = ["=key"]
    search_help_text = _("A member's external id.")
    fields = ["topic", "key", "at", "dispatched_at", "uuid", "payload_table"]
    readonly_fields = ["payload_table", "uuid"]
    inlines = [DeliveryInline]

    @admin.display(description=_("in short"))
    def said(self, fact):
        return "; ".join(f"{name.replace('_', ' ')} {value}" for name, value in list(fact.payload.items())[:4] if value)

    @admin.display(description=_("handed out"), boolean=True)
    def sent(self, fact):
        return fact.dispatched_at is not None

    @admin.display(description=_("what it says"))
    def payload_table(self, fact):
        return words.pairs(fact.payload)


class DeliveryAttemptInline(ReadOnlyInline):
    model = DeliveryAttempt
    fields = ["at", "status_code", "duration_ms", "error"]
    tab = False


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """Each fact on its way to each listener. Dead letters wait here for somebody to look and send them again."""

    empty = _("Nothing is on its way.")
    list_display = ["fact_link", "subscriber_words", "status_label", "attempts", "next_attempt_at", "last_error"]
    list_display_links = None
    list_filter = ["status", "endpoint", "subscriber"]
    search_fields = ["=fact__key", "subscriber"]
    search_help_text = _("A member's external id, or a subscriber.")
    list_select_related = ["fact", "endpoint"]
    fields = ["fact_link", "subscriber_words", "status_label", "attempts", "next_attempt_at", "done_at", "last_error"]
    readonly_fields = ["fact_link", "subscriber_words", "status_label"]
    inlines = [DeliveryAttemptInline]
    actions_detail = ["replay"]
    actions = ["replay_selected"]

    def has_replay_permission(self, request: HttpRequest, object_id=None) -> bool:
        return request.user.has_perm("common.replay_delivery")

    @admin.display(description=_("fact"), ordering="fact_id")
    def fact_link(self, delivery):
        return words.link(delivery, str(delivery.fact))

    @admin.display(description=_("to"))
    def subscriber_words(self, delivery):
        return delivery.endpoint.name if delivery.endpoint else delivery.subscriber

    @tags.tagged(_("status"), {"pending": tags.NEWS, "done": tags.GOOD, "dead": tags.BAD})
    def status_label(self, delivery):
        return delivery.status, delivery.get_status_display()

    @action(description=_("Send again"), icon="replay", permissions=["replay"])
    def replay(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Put a dead or finished delivery on its way again, after asking."""
        delivery = get_object_or_404(self.get_queryset(request), pk=object_id)
        if request.method != "POST":
            says = [
                gettext(
                    "“%(fact)s” goes to %(subscriber)s again, with ten fresh attempts. The receiver may see it twice."
                )
                % {"fact": delivery.fact, "subscriber": self.subscriber_words(delivery)}
            ]
            return confirm.page(
                self, request, delivery, title=gettext("Send again?"), says=says, submit=gettext("Send again")
            )
        self._replay(request, [delivery])
        return redirect("admin:common_delivery_change", object_id)

    @admin.action(description=_("Send again"), permissions=["replay"])
    def replay_selected(self, request, queryset):
        """Put the chosen dead or finished deliveries on their way again."""
        self._replay(request, queryset)

    def _replay(self, request, deliveries):
        sent = 0
        for delivery in deliveries:
            try:
                outbox.replay(delivery, actor(request), timezone.now())
                sent += 1
            except Problem as problem:
                refuse(request, problem)
        if sent:
            messages.success(request, gettext("On their way again: %d.") % sent)


class TopicsField(forms.CharField):
    """Topics separated by commas, kept as a JSON list."""

    def prepare_value(self, value):
        return ", ".join(value) if isinstance(value, list) else value

    def clean(self, value):
        return [topic.strip() for topic in super().clean(value).replace("，", ",").split(",") if topic.strip()]


class EndpointForm(forms.ModelForm):
    topics = TopicsField(
        label=_("topics"),
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Separated by commas, for example points.earned, order.refunded; empty means all of them."),
    )

    class Meta:
        model = WebhookEndpoint
        fields = ["name", "url", "topics", "is_active"]

    def clean_url(self):
        try:
            webhooks.resolve(self.cleaned_data["url"])
        except Problem as problem:
            raise forms.ValidationError(str(problem.detail) or str(problem.title)) from problem
        return self.cleaned_data["url"]


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(Admin):
    """Outside addresses that are told of facts, signed after the Standard Webhooks specification."""

    empty = _("Nobody outside is told of anything yet. Add an endpoint to send signed webhooks.")
    form = EndpointForm
    list_display = ["name", "url", "topics_words", "is_active", "created_at"]
    list_filter = ["is_active"]
    search_fields = ["name", "url"]
    actions = None
    actions_detail = ["test"]

    def get_fields(self, request, obj=None):
        return ["name", "url", "topics", *([] if obj is None else ["is_active", "secret_note"])]

    def get_readonly_fields(self, request, obj=None):
        return ["secret_note"] if obj else []

    def has_delete_permission(self, request, obj=None):
        """Endpoints are switched off, not deleted: their deliveries are kept."""
        return False

    def has_test_permission(self, request: HttpRequest, object_id=None) -> bool:
        return request.user.has_perm("common.change_webhookendpoint")

    @admin.display(description=_("topics"))
    def topics_words(self, endpoint):
        return ", ".join(endpoint.topics) or gettext("all")

    @admin.display(description=_("signing secret"))
    def secret_note(self, endpoint):
        return gettext("Was shown once, when the endpoint was added. For a new one, add a new endpoint.")

    def save_model(self, request, obj, form, change):
        if change:
            webhooks.change(obj, actor(request), timezone.now())
            return
        made = webhooks.add(obj.name, obj.url, obj.topics, actor(request), timezone.now())
        obj.__dict__.update(made.__dict__)
        say = gettext("Copy the signing secret now, it will not be shown again:")
        messages.warning(request, format_html('{} <code class="lp-secret">{}</code>', say, made.secret))

    @action(description=_("Send a test"), icon="send", permissions=["test"])
    def test(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Send one signed test message now and say what came back."""
        endpoint = get_object_or_404(WebhookEndpoint, pk=object_id)
        if not self.has_test_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            says = [gettext("A signed message of type webhook.test goes to %s now.") % endpoint.url]
            return confirm.page(
                self, request, endpoint, title=gettext("Send a test?"), says=says, submit=gettext("Send it")
            )
        at = timezone.now()
        answer = webhooks.send(endpoint, Fact(topic="webhook.test", key="test", payload={}, at=at), at)
        if answer.taken:
            took = {"status": answer.status_code, "ms": answer.duration_ms}
            messages.success(request, gettext("The endpoint took it: HTTP %(status)d after %(ms)d ms.") % took)
        else:
            messages.error(request, gettext("It was not taken: %s") % (answer.error or f"HTTP {answer.status_code}"))
        return redirect("admin:common_webhookendpoint_change", object_id)
