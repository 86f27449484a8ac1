import pytest

from common.models import ApiKey, AuditEntry
from common.problems import InvalidInput
from common.services import api_keys
from common.tests.conftest import AT, OPERATOR

pytestmark = pytest.mark.django_db


def test_the_secret_is_shown_once_and_kept_as_a_hash():
    key, text = api_keys.issue("shop", ["events:write"], OPERATOR, AT)
    prefix, secret = text.split(".")
    assert prefix == key.prefix
    assert len(secret) >= 32
    assert secret not in str(ApiKey.objects.values().get())
    assert secret not in str(list(AuditEntry.objects.values()))
    assert api_keys.find(text, AT) == key


@pytest.mark.parametrize("scopes", [[], ["everything"], ["events:write", "root"]])
def test_a_key_needs_known_scopes(scopes):
    with pytest.raises(InvalidInput):
        api_keys.issue("shop", scopes, OPERATOR, AT)
    assert not ApiKey.objects.exists()


def test_finding_a_key_is_one_query(django_assert_num_queries):
    _key, text = api_keys.issue("shop", ["events:write"], OPERATOR, AT)
    with django_assert_num_queries(1):
        assert api_keys.find(text, AT)


def test_revoking_is_audited_once():
    key, _text = api_keys.issue("shop", ["events:write"], OPERATOR, AT)
    api_keys.revoke(key, OPERATOR, AT)
    assert api_keys.revoke(key, OPERATOR, AT).revoked_at == AT
    assert AuditEntry.objects.filter(action="common.api_keys.revoke").count() == 1
