from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from config.health import healthz
from merchants.admin.site import site as merchant_site

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("healthz", healthz, name="healthz"),
    path("admin/", admin.site.urls),
    path("merchant/", merchant_site.urls),
    path("api/v1/", include("common.api.urls")),
    path("api/v1/", include("members.api.urls")),
    path("api/v1/", include("loyalty.api.urls")),
    path("api/v1/", include("merchants.api.urls")),
    path("api/v1/", include("rewards.api.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(), name="docs"),
    path("i18n/", include("django.conf.urls.i18n")),
]

# Under /api/ these answer with problem documents.
handler400 = "common.api.exceptions.bad_request"
handler403 = "common.api.exceptions.permission_denied"
handler404 = "common.api.exceptions.page_not_found"
handler500 = "common.api.exceptions.server_error"
