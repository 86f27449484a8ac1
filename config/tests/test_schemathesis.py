"""Every operation of the OpenAPI document is called with data made from it, right and wrong: the answers keep to the
document, and none of them is a 500.
"""

import pytest
import schemathesis
from django.conf import settings
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase
from hypothesis import settings as given
from schemathesis import checks
from schemathesis.config import SchemathesisConfig

from common.models import ApiKey, Staff
from config.wsgi import application
from loyalty.services import holds
from loyalty.services.tenders import Payable
from loyalty.tests.api.callers import alice, bob, grant, one_point_per_yuan, provider, shop, token
from members.models import ChannelKey
from members.tests import plus
from merchants.tests import shops

__all__ = ["alice", "bob", "provider"]

CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
ALL_KINDS_OF_DATA = SchemathesisConfig.from_dict({"generation": {"mode": "all", "with-security-parameters": False}})

schema = schemathesis.openapi.from_dict(
    SchemaGenerator().get_schema(request=None, public=True), config=ALL_KINDS_OF_DATA
)
schema.app = application


@pytest.fixture(autouse=True)
def one_connection():
    """Requests through WSGI close connections at their ends; here they share the test's transaction."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def callers(alice, bob):
    """The headers of the shop, which is a sales channel, too, and of Alice, who has points and an open hold; orders earn."""
    one_point_per_yuan()
    grant(alice, 10_000)
    server = shop("server", ApiKey.Scope.values)
    bank = plus.a_channel()
    ChannelKey.objects.create(key=ApiKey.objects.get(), channel=bank)
    plus.a_batch(plus.plus(), channel=bank, delivery="api", expires_at=timezone.now() + plus.DAY)
    return {
        "apiKey": {"Authorization": server.defaults["HTTP_AUTHORIZATION"]},
        "memberToken": {"Authorization": f"Bearer {token('alice')}"},
        "merchantSession": session_of(shops.staff()),
    }


def session_of(person: Staff) -> dict[str, str]:
    """The headers of a browser in which somebody is signed in at the merchants' site."""
    client = Client()
    client.force_login(person)
    csrf = "s" * 32
    cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
    return {"Cookie": f"{cookie}; {settings.CSRF_COOKIE_NAME}={csrf}", "X-CSRFToken": csrf}


@pytest.fixture
def hold(alice, callers):
    return holds.place("alice", 1000, order_code="o-1", lines=[Payable("1", 4000)], at=timezone.now())


@schema.parametrize()
@given(
    max_examples=8,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_answers_keep_to_the_document(case, callers, hold):
    (scheme,) = case.operation.definition.raw["security"][0]
    case.call_and_validate(headers=callers[scheme], checks=CHECKS)
    if name_somebody(case, hold):
        case.call_and_validate(headers=callers[scheme], checks=CHECKS)


def name_somebody(case, hold):
    """Most made-up members and holds are unknown; let the case be about known ones. Says whether it named any."""
    known = {"external_id": "alice", "uuid": str(hold.uuid), "member": "alice", "sender": "alice", "to": "bob"}
    named = False
    for place in (case.path_parameters, case.body):
        if isinstance(place, dict):
            for name in place.keys() & known.keys():
                place[name], named = known[name], True
    return named
