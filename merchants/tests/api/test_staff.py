"""A merchant's staff call the API with the session of their site; nobody else gets in by it."""

import pytest
from django.urls import path
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.views import APIView

from common.models import Staff
from merchants.api.views import MerchantView
from merchants.models import Deed, Merchant
from merchants.tests.admin.test_frame import a_person

pytestmark = [pytest.mark.django_db, pytest.mark.urls("merchants.tests.api.test_staff")]


class PurseView(MerchantView, APIView):
    deeds = {"GET": Deed.LOOK, "POST": Deed.BUY}

    def get(self, request):
        return Response({"merchant": self.merchant().code})

    def post(self, request):
        return Response({"by": request.user.actor.label, "principal": request.user.principal})

    def delete(self, request):
        return Response()


urlpatterns = [path("api/v1/purse", PurseView.as_view())]


def call(person: Staff | None, method: str = "get", **options):
    client = APIClient(**options)
    if person:
        client.force_login(person)
    return getattr(client, method)("/api/v1/purse")


def test_staff_reach_their_own_merchant():
    assert call(a_person()).json() == {"merchant": "bobs"}


def test_a_role_does_what_it_may_and_gets_403_for_the_rest():
    assert call(a_person("ann", "finance"), "post").json()["by"] == "ann"
    answer = call(a_person("vera", "viewer"), "post")
    assert answer.status_code == 403
    assert answer.json()["detail"] == "Your role does not allow this."


def test_a_method_that_names_no_deed_is_open_to_nobody():
    assert call(a_person(), "delete").status_code == 403
    assert call(a_person("ann"), "put").status_code == 405


@pytest.mark.parametrize("stranger", ["nobody", "operator", "no role", "merchant off", "not staff"])
def test_nobody_else_gets_in(stranger):
    if stranger == "nobody":
        assert call(None).status_code == 401
    elif stranger == "operator":
        root = Staff.objects.create_user("root", is_staff=True, is_superuser=True)
        assert call(root).status_code == 401
    elif stranger == "no role":
        assert call(a_person(role=None)).status_code == 401
    elif stranger == "merchant off":
        person = a_person()
        Merchant.objects.update(active=False)
        assert call(person).status_code == 401
    else:
        person = a_person()
        Staff.objects.update(is_staff=False)
        assert call(person).status_code == 401


def test_a_foreign_page_cannot_post_with_somebodys_session():
    answer = call(a_person(), "post", enforce_csrf_checks=True)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
