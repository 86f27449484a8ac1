from django.urls import path, re_path

from .closing import ClosingView, MyClosingView
from .consents import MyConsentsView, MyConsentView
from .exports import DataExportView, MyDataExportView
from .risk_refusals import ChecksView, MyAppealView, MyRefusalsView, RefusalsView
from .views import EXTERNAL_ID

urlpatterns = [
    re_path(rf"^members/{EXTERNAL_ID}/data-export$", DataExportView.as_view(), name="members-data-export"),
    re_path(rf"^members/{EXTERNAL_ID}/closing$", ClosingView.as_view(), name="members-closing"),
    path("me/closing", MyClosingView.as_view(), name="me-closing"),
    path("me/data-export", MyDataExportView.as_view(), name="me-data-export"),
    path("me/consents", MyConsentsView.as_view(), name="me-consents"),
    re_path(
        r"^me/consents/(?P<purpose>[a-z]{1,12})/(?P<recipient>[^/\x00-\x1f\x7f]{1,60})$",
        MyConsentView.as_view(),
        name="me-consents-detail",
    ),
    path("me/refusals", MyRefusalsView.as_view(), name="me-refusals"),
    path("me/refusals/<uuid:uuid>/appeal", MyAppealView.as_view(), name="me-refusals-appeal"),
    re_path(rf"^members/{EXTERNAL_ID}/refusals$", RefusalsView.as_view(), name="members-refusals"),
    path("risk/checks", ChecksView.as_view(), name="risk-checks"),
]
