"""Settings of the test suite: the real ones, with cheap passwords, plain static files and nothing kept on disk."""

from config.settings import *  # noqa: F403
from config.settings import DATABASES, STORAGES, VAR_DIR

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
MEDIA_ROOT = VAR_DIR / "test-media"
AXES_ENABLED = False  # tests/test_sign_in turns it on
WHITENOISE_AUTOREFRESH = True
RISK_RULES_SECONDS = 3600  # conftest.py empties the book before each test, services read it anew
if DATABASES["default"]["ENGINE"].endswith("postgresql"):
    DATABASES["default"]["OPTIONS"]["options"] += " -c synchronous_commit=off"  # no test pulls the plug
