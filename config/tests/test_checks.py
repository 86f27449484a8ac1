"""A wrong setting is explained before it does harm."""

import pytest
from django.conf import settings
from django.core import checks as framework

PEM = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"
OPEN = ["shop.example"]
POSTGRES = "django.db.backends.postgresql"
SQLITE = "django.db.backends.sqlite3"

SOUND = {
    "DEBUG": False,
    "ALLOWED_HOSTS": OPEN,
    "SECRET_KEY": "x" * 60,
    "REDIS_URL": "redis://redis/0",
    "CELERY_BROKER_URL": "redis://redis/0",
    "MEMBER_JWT_KEY": PEM,
    "WEBHOOK_ALLOW_PRIVATE_TARGETS": False,
}


def found(deploy: bool = False) -> set[str]:
    """Ids of our own findings."""
    return {
        str(message.id)
        for check in framework.registry.registry.get_checks(include_deployment_checks=deploy)
        if check.__module__ == "config.checks"
        for message in check(app_configs=None, databases=None)
    }


@pytest.fixture(autouse=True)
def sound(settings, monkeypatch):
    for name, value in SOUND.items():
        setattr(settings, name, value)
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", POSTGRES)


def test_a_sound_installation_has_no_findings():
    assert found(deploy=True) == set()


@pytest.mark.parametrize(
    ("wrong", "finding"),
    [
        ({"DEBUG": True}, "config.E001"),
        ({"SECRET_KEY": settings.INSECURE_SECRET_KEY}, "config.E002"),
        ({"PROGRAMME_CURRENCY": "yuan"}, "config.E003"),
        ({"PROGRAMME_TIME_ZONE": "Asia/Atlantis"}, "config.E004"),
        ({"PROGRAMME_TIME_ZONE": "../../etc/passwd"}, "config.E004"),
        ({"MEMBER_JWT_ALGORITHMS": ["none"]}, "config.E005"),
        ({"MEMBER_JWT_JWKS_URL": "https://id.example/jwks"}, "config.E006"),
        ({"MEMBER_JWT_ALGORITHMS": []}, "config.E007"),
        ({"MEMBER_JWT_ALGORITHMS": ["RS256", "HS256"], "MEMBER_JWT_KEY": PEM}, "config.E008"),
        ({"MEMBER_JWT_ALGORITHMS": ["HS256"], "MEMBER_JWT_KEY": "short"}, "config.E009"),
        ({"MEMBER_JWT_KEY": "not a key"}, "config.E010"),
        ({"MEMBER_JWT_KEY": "", "MEMBER_JWT_JWKS_URL": "http://id.example/jwks"}, "config.E011"),
        ({"MEMBER_JWT_AUDIENCE": ""}, "config.E012"),
        ({"CELERY_BROKER_URL": "safefs://"}, "config.E013"),
    ],
)
def test_a_wrong_setting_is_an_error_at_every_start(settings, wrong: dict, finding: str):
    for name, value in wrong.items():
        setattr(settings, name, value)
    assert finding in found()


@pytest.mark.parametrize(
    ("weak", "finding"),
    [
        ({"CELERY_BROKER_URL": "safefs://"}, "config.W002"),
        ({"REDIS_URL": ""}, "config.W003"),
        ({"WEBHOOK_ALLOW_PRIVATE_TARGETS": True}, "config.W004"),
        ({"MEMBER_JWT_KEY": ""}, "config.W005"),
    ],
)
def test_what_only_a_demo_may_do_is_a_warning_before_deployment(settings, weak: dict, finding: str):
    for name, value in weak.items():
        setattr(settings, name, value)
    assert finding in found(deploy=True)
    assert finding not in found()


def test_sqlite_is_a_warning_before_deployment(settings, monkeypatch):
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", SQLITE)
    assert found(deploy=True) == {"config.W001"}


def test_a_demo_on_this_machine_may_use_every_default(settings, monkeypatch):
    settings.ALLOWED_HOSTS = settings.LOCAL_HOSTS
    settings.SECRET_KEY = settings.INSECURE_SECRET_KEY
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", SQLITE)
    settings.CELERY_BROKER_URL = "safefs://"
    settings.MEMBER_JWT_KEY = settings.REDIS_URL = ""
    assert found() == set()
