"""Content Security Policy: strict everywhere, relaxed on the two admin sites (settings.ADMIN_SECURITY_POLICY)."""

from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase


class PolicyMiddleware(CSPMiddleware):
    """Adds the admin theme's needs to the policy of admin pages, theirs only."""

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        """The site's policy, and for an admin page the directives that its theme needs."""
        parts = super().get_policy_parts(request, response, report_only)
        if not report_only and request.path.startswith(settings.ADMIN_PATHS):
            parts.update = {**settings.ADMIN_SECURITY_POLICY, **(parts.update or {})}
        return parts
