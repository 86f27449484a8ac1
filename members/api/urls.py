from django.urls import path, re_path

from .consents import MyConsentsView, MyConsentView

urlpatterns = [
    path("me/consents", MyConsentsView.as_view(), name="me-consents"),
    re_path(
        r"^me/consents/(?P<purpose>[a-z]{1,12})/(?P<recipient>[^/\x00-\x1f\x7f]{1,60})$",
        MyConsentView.as_view(),
        name="me-consents-detail",
    ),
]
