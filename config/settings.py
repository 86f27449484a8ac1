"""Settings of the platform, read from the environment (.env.example names every variable; config/checks.py judges them)."""

from pathlib import Path

import environ

from common.api import openapi
from config.unfold import UNFOLD, UNFOLD_MERCHANT  # noqa: F401

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env", overwrite=False)
VAR_DIR = Path(env("VAR_DIR", default=str(BASE_DIR / "var")))

# --- Who we are ----------------------------------------------------------------------------------------------------

DEBUG = env.bool("DEBUG", default=False)
INSECURE_SECRET_KEY = "insecure-for-demo-and-tests-only"
SECRET_KEY = env("SECRET_KEY", default=INSECURE_SECRET_KEY)
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
# Phones are kept as digests under this key. Empty: derived from SECRET_KEY, and matching starts anew when that changes.
IDENTITY_KEY = env("IDENTITY_KEY", default="")
PHONE_COUNTRY_CODE = env("PHONE_COUNTRY_CODE", default="86")
LOCAL_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=LOCAL_HOSTS)

PROGRAMME_CURRENCY = env("PROGRAMME_CURRENCY", default="CNY")
PROGRAMME_TIME_ZONE = env("PROGRAMME_TIME_ZONE", default="Asia/Shanghai")
# The dearest prize that one ticket may win, in minor units: 50,000 yuan by law (domain.md 2.9).
GAME_TOP_PRIZE = env.int("GAME_TOP_PRIZE", default=5_000_000)
# Merchants see groups of buyers, none of them smaller than this.
INSIGHT_LEAST_GROUP = env.int("INSIGHT_LEAST_GROUP", default=10)

# --- Apps, from the theme down to the floors -------------------------------------------------------------------------

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.import_export",
    "unfold.contrib.simple_history",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "config.admin_site.OperatorsAdminConfig",
    "axes",
    "csp",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "import_export",
    "simple_history",
    "common",
    "members",
    "loyalty",
    "merchants",
    "rewards",
    "config",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.csp.PolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- Database --------------------------------------------------------------------------------------------------------

DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'demo.sqlite3'}")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # IMMEDIATE is the lock on SQLite: one writer at a time, so FOR UPDATE is not missed (docs/locking.md).
    # Connections stay open, because opening the file and its PRAGMAs costs more than most requests.
    DATABASES["default"]["CONN_MAX_AGE"] = None
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    # A lost lock race becomes a clear 409 or 503 after seconds; a restarted database is noticed at the next request.
    # Planning a statement costs more than running most of ours, so what a connection asks often is prepared.
    DATABASES["default"]["CONN_MAX_AGE"] = env.int("DATABASE_CONN_MAX_AGE", default=300)
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    DATABASES["default"]["OPTIONS"] = {
        "server_side_binding": True,
        "prepare_threshold": env.int("DATABASE_PREPARE_AFTER", default=5) or None,
        "options": f"-c lock_timeout={env.int('DATABASE_LOCK_TIMEOUT_MS', default=5_000)}"
        f" -c statement_timeout={env.int('DATABASE_STATEMENT_TIMEOUT_MS', default=600_000)}",
    } | DATABASES["default"].get("OPTIONS", {})
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Cache and sessions ----------------------------------------------------------------------------------------------

REDIS_URL = env("REDIS_URL", default="")
CACHES = {
    "default": {
        "BACKEND": "config.caches.RedisCache" if REDIS_URL else "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "loyalty",
    }
}

# --- Background work (config/celery.py holds the schedule) -----------------------------------------------------------

CELERY_BROKER_URL = env("CELERY_BROKER_URL", default="") or REDIS_URL or "safefs://"
if CELERY_BROKER_URL.startswith("safefs"):
    # The embedded broker: files in var/broker, no server (config/safefs.py).
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(VAR_DIR / "broker"),
        "data_folder_out": str(VAR_DIR / "broker"),
        "control_folder": str(VAR_DIR / "broker-control"),
        "polling_interval": 0.2,
    }
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
# A task is repeated if its worker dies: every task is safe to run twice (docs/operations.md).
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = PROGRAMME_TIME_ZONE

# --- Signing in ------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "common.Staff"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
# Five wrong passwords for one name from one address lock that pair for a quarter of an hour: a guesser is stopped,
# and nobody can lock a colleague out from elsewhere.
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_ENABLE_ADMIN = False
AXES_IPWARE_PROXY_COUNT = env.int("TRUSTED_PROXIES", default=0)
AXES_IPWARE_META_PRECEDENCE_ORDER = (
    ["HTTP_X_FORWARDED_FOR", "REMOTE_ADDR"] if AXES_IPWARE_PROXY_COUNT else ["REMOTE_ADDR"]
)

# --- HTTPS, cookies, headers -----------------------------------------------------------------------------------------

HTTPS = env.bool("HTTPS", default=False)
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=31_536_000 if HTTPS else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("HSTS_INCLUDE_SUBDOMAINS", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_AGE = 12 * 3600
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
if AXES_IPWARE_PROXY_COUNT:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}
# The admin theme runs Alpine, which evaluates its attributes; only the two admin sites are relaxed for it.
ADMIN_PATHS = ("/admin/", "/merchant/")
ADMIN_SECURITY_POLICY = {"script-src": ["'self'", "'unsafe-eval'"], "style-src": ["'self'", "'unsafe-inline'"]}

# A batch of 1,000 ordinary events is about 1 MB; more than this is answered with 413.
DATA_UPLOAD_MAX_MEMORY_SIZE = env.int("MAX_BODY_BYTES", default=5 * 1024 * 1024)
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000

# --- Language and time -----------------------------------------------------------------------------------------------

LANGUAGE_CODE = env("LANGUAGE_CODE", default="en")
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "config.formats"
USE_I18N = True
USE_TZ = True
TIME_ZONE = PROGRAMME_TIME_ZONE

# --- Static files ----------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
MEDIA_ROOT = VAR_DIR / "media"

# --- The API ---------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_AUTHENTICATION_CLASSES": [],  # every view names who may call it
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["common.api.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "common.api.pagination.CursorPagination",
    "DEFAULT_THROTTLE_CLASSES": ["common.api.throttles.ScopedThrottle"],
    "DEFAULT_SCHEMA_CLASS": "common.api.schema.ApiSchema",
    "EXCEPTION_HANDLER": "common.api.exceptions.handle",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "UNAUTHENTICATED_USER": None,
    "NUM_PROXIES": AXES_IPWARE_PROXY_COUNT,
    "DEFAULT_THROTTLE_RATES": {
        "server": env("THROTTLE_SERVER", default="6000/min"),
        "member": env("THROTTLE_MEMBER", default="120/min"),
        "merchant": env("THROTTLE_MERCHANT", default="600/min"),
        "codes": env("THROTTLE_CODES", default="10/min"),
        "exports": env("THROTTLE_EXPORTS", default="10/hour"),
        "anonymous": env("THROTTLE_ANONYMOUS", default="30/min"),
    },
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Loyalty platform",
    "VERSION": "1",
    "DESCRIPTION": openapi.DESCRIPTION,
    "TAGS": openapi.TAGS,
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SERVE_PERMISSIONS": [],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_PATCH": False,
    "POSTPROCESSING_HOOKS": [
        "common.api.schema.add_components",
    ],
}

# The shop's identity provider signs members' tokens: one public key (PEM, or a shared secret for HS256) or a JWKS address.
MEMBER_JWT_KEY = env.str("MEMBER_JWT_KEY", default="", multiline=True)
MEMBER_JWT_JWKS_URL = env("MEMBER_JWT_JWKS_URL", default="")
MEMBER_JWT_ALGORITHMS = env.list("MEMBER_JWT_ALGORITHMS", default=["RS256", "ES256"])
MEMBER_JWT_AUDIENCE = env("MEMBER_JWT_AUDIENCE", default="loyalty")
MEMBER_JWT_ISSUER = env("MEMBER_JWT_ISSUER", default="")

WEBHOOK_ALLOW_PRIVATE_TARGETS = env.bool("WEBHOOK_ALLOW_PRIVATE_TARGETS", default=False)
KEEP_IDEMPOTENCY_DAYS = env.int("KEEP_IDEMPOTENCY_DAYS", default=30)
KEEP_DELIVERIES_DAYS = env.int("KEEP_DELIVERIES_DAYS", default=30)
# Every process reads the risk rules anew after so many seconds; a new one is in force everywhere by then.
RISK_RULES_SECONDS = env.int("RISK_RULES_SECONDS", default=5)
# Three years, as PIPL 56 asks of records of processing.
KEEP_LOOKS_DAYS = env.int("KEEP_LOOKS_DAYS", default=1096)
WEBHOOK_TIMEOUT_SECONDS = env.int("WEBHOOK_TIMEOUT_SECONDS", default=10)

# --- Import and export: the package's own defaults let viewers import and keep formulas alive ------------------------

IMPORT_EXPORT_IMPORT_PERMISSION_CODE = "change"
IMPORT_EXPORT_EXPORT_PERMISSION_CODE = "view"
IMPORT_EXPORT_USE_TRANSACTIONS = True
IMPORT_EXPORT_TMP_STORAGE_CLASS = "import_export.tmp_storages.MediaStorage"

# --- Log lines go to the standard error stream, one line each --------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django": {"handlers": ["console"], "level": "INFO", "propagate": False},
        "axes": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},
    },
}
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # subdomains belong to the shop; HSTS_INCLUDE_SUBDOMAINS decides
    "security.W021",  # the same for preloading
]
