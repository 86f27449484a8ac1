"""The two doors for people. Each site admits its own staff only and says so to the others."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ClassVar

from django.contrib import messages
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.core.exceptions import BadRequest, ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from unfold.forms import AuthenticationForm
from unfold.sites import UnfoldAdminSite

from common.models import Look, Staff
from common.services import looks

from .base import actor

_RESULTS_PER_PAGE = 100


def _to_all(request: HttpRequest) -> bool:
    return True


class ClosedSite(UnfoldAdminSite):
    """An admin site for the staff of one side: `Staff.site` decides, for superusers too."""

    admits: ClassVar[Staff.Site]
    wrong_site: ClassVar[str | Promise]
    empty_value_display = "–"

    def has_permission(self, request: HttpRequest) -> bool:
        """Active staff of this site. (Django asks for is_staff only, which would let merchants in.)"""
        user = request.user
        return bool(user.is_active and user.is_staff and getattr(user, "site", None) == self.admits)

    def admin_view(self, view: Callable, cacheable: bool = False) -> Callable:
        """As Django's; but no address asks for a text that no column holds."""
        inner = super().admin_view(view, cacheable)

        @wraps(inner)
        def asked(request: HttpRequest, *args, **kwargs) -> HttpResponse:
            if any("\x00" in text for _name, texts in request.GET.lists() for text in texts):
                raise BadRequest("There is a null character in the address.")
            return inner(request, *args, **kwargs)

        return asked

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> SimpleLazyObject:
        """As Django's, but made when somebody reads it: it costs a third of a page, and the sidebar is a list of its own."""
        return SimpleLazyObject(lambda: super(ClosedSite, self).get_app_list(request, app_label))

    def get_sidebar_list(self, request: HttpRequest) -> list[dict]:
        """The lines that this person may open. The theme's own asks for each line several times, and draws the others too."""
        start = reverse(f"{self.name}:index")

        def line(item: dict) -> dict:
            link = item["link"](request) if callable(item["link"]) else str(item["link"])
            here = request.path == start if link == start else request.path.startswith(link)
            return item | {"link": link, "active": here, "has_permission": True}

        groups = self._get_config("SIDEBAR", request)["navigation"]
        return [
            group | {"items": [line(item) for item in group["items"] if item.get("permission", _to_all)(request)]}
            for group in groups
        ]

    def login(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        """The sign-in page; somebody signed in for the other site is told so. Leads to the overview unless asked."""
        if request.method == "GET" and request.user.is_authenticated and not self.has_permission(request):
            messages.warning(request, self.wrong_site)
        if REDIRECT_FIELD_NAME not in request.GET:
            # Unfold's page sends the form back to its own address and drops Django's `next`.
            start = reverse(f"{self.name}:index")
            address = f"{request.path}?{urlencode({REDIRECT_FIELD_NAME: start})}"
            extra_context = {"app_path": address, **(extra_context or {})}
        return super().login(request, extra_context)

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        """As Django's; and who is offered somebody's name is written down."""
        return _Autocomplete.as_view(admin_site=self)(request)

    def search(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        """Search pages and models by name. Unlike Unfold's, nothing is cached: its cache key knows no site, so a user
        of one site would see what another site found, and for five minutes what he may no longer see."""
        term = request.GET.get("s", "").strip().lower()
        if not term:
            return HttpResponse()
        results = self._search_apps(self.get_app_list(request), term)
        if "extended" in request.GET and (models := self._get_config("COMMAND", request).get("search_models")):
            found = self._search_models(request, self.get_app_list(request), term, models)
            looks.note(actor(request), Look.Kind.SEARCH, "search", timezone.now(), query=term, rows=len(found))
            results += found
        page = Paginator(results, _RESULTS_PER_PAGE).get_page(request.GET.get("page"))
        template = "command_results" if "extended" in request.GET else "search_results"
        return TemplateResponse(
            request,
            f"unfold/helpers/{template}.html",
            {"page_obj": page.paginator, "results": page, "page_counter": page.start_index() - 1},
            headers={"HX-Trigger": "search"},
        )


class _Autocomplete(AutocompleteJsonView):
    def get(self, request, *args, **kwargs):
        response = super().get(request, *args, **kwargs)
        page = self.model_admin
        if looks.is_personal(page.model) and self.object_list:
            page.note_look(request, Look.Kind.SEARCH, query=self.term, rows=len(self.object_list))
        return response


def login_form(site: type[ClosedSite]) -> type[AuthenticationForm]:
    """The sign-in form of a site: right password, wrong door gets a clear answer."""

    class SiteAuthenticationForm(AuthenticationForm):
        def confirm_login_allowed(self, user):
            super().confirm_login_allowed(user)
            if user.site != site.admits:
                raise ValidationError(site.wrong_site, code="wrong_site")

    return SiteAuthenticationForm


class OperatorSite(ClosedSite):
    """/admin/: the programme's own staff."""

    settings_name = "UNFOLD"
    admits = Staff.Site.OPERATORS
    wrong_site = _("This account is a merchant's. Sign in at /merchant/ with it, or here with an operator's account.")
    index_title = _("Overview")


OperatorSite.login_form = login_form(OperatorSite)

site = OperatorSite(name="admin")


def default() -> OperatorSite:
    """The operators' site, as Django's default one (config/admin_site.py): one instance, whoever asks first."""
    return site
