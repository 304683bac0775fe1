"""Settings: everything that differs between installations comes from the environment (docs/configuration.md)."""

import os
import sys
from decimal import Decimal
from pathlib import Path

import environ
import structlog
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from config.runtime.services import encours_home, secret_key, service_urls

BASE_DIR = Path(__file__).resolve().parent.parent
HOME = encours_home()
env = environ.Env()

TESTING = "pytest" in sys.modules
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="") or secret_key()
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
SITE_URL = env.str("SITE_URL", default="http://localhost:8000")
HTTPS = env.bool("HTTPS", default=SITE_URL.startswith("https://"))

_urls = service_urls()

INSTALLED_APPS = [
    "config.apps.ConfigConfig",
    "dunning",
    "risk",
    "invoices",
    "customers",
    "core",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django.forms",
    "csp",
    "django_filters",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "pgtrigger",
    "rest_framework",
]

MIDDLEWARE = [
    "core.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "core.middleware.UserLanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "core.middleware.BadInputMiddleware",
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
                "config.navigation.navigation",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# --- data -------------------------------------------------------------------------------------------------

DATABASES = {"default": env.db_url_config(_urls.database)}
DATABASES["default"] |= {
    "ENGINE": "django.db.backends.postgresql",
    "CONN_MAX_AGE": env.int("CONN_MAX_AGE", default=60),
    "CONN_HEALTH_CHECKS": True,
}
if TESTING:
    # A thread of the live server must not outlive its request in the database: the runner could not drop it.
    DATABASES["default"]["CONN_MAX_AGE"] = 0
    # The test runner empties tables between tests; the append-only trigger lets only such a session do so.
    DATABASES["default"].setdefault("OPTIONS", {})["options"] = "-c encours.allow_truncate=on"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": _urls.redis,
        "KEY_PREFIX": "encours",
    }
}
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": HOME / "files", "base_url": None},
    },
    "private": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": HOME / "files", "base_url": None, "file_permissions_mode": 0o600},
    },
    # Where watched folders lie: DROP_ROOT, or another storage by DROP_STORAGE (a bucket).
    "drop": {
        "BACKEND": env("DROP_STORAGE", default="django.core.files.storage.FileSystemStorage"),
        "OPTIONS": env.json("DROP_STORAGE_OPTIONS", default={})
        or {"location": env("DROP_ROOT", default=str(HOME / "drop")), "base_url": None},
    },
    # The folder shared with the printer of letters: POST_ROOT, or another storage by POST_STORAGE.
    "post": {
        "BACKEND": env("POST_STORAGE", default="django.core.files.storage.FileSystemStorage"),
        "OPTIONS": env.json("POST_STORAGE_OPTIONS", default={})
        or {"location": env("POST_ROOT", default=str(HOME / "post")), "base_url": None},
    },
    "staticfiles": {
        "BACKEND": (
            "whitenoise.storage.CompressedManifestStaticFilesStorage"
            if env.bool("STATIC_MANIFEST", default=False)
            else "django.contrib.staticfiles.storage.StaticFilesStorage"
        )
    },
}
STATIC_URL = "/static/"
STATIC_ROOT = HOME / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = not env.bool("STATIC_MANIFEST", default=False)
WHITENOISE_AUTOREFRESH = DEBUG
# Larger than a form; files are streamed to disk and limited by IMPORT_MAX_BYTES.
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
IMPORT_MAX_BYTES = env.int("IMPORT_MAX_BYTES", default=100 * 1024 * 1024)
IMPORT_MAX_ROWS = env.int("IMPORT_MAX_ROWS", default=1_000_000)

# --- what customers contest or promise --------------------------------------------------------------------

# Calendar days to answer a dispute, by group of reasons (`invoices.dispute_rules`).
DISPUTE_DEADLINE_DAYS = {
    "PRICE": 15, "DELIVERY": 30, "REFERENCES": 8, "SUBSTANCE": 15, "ADDRESSING": 8, "PAYMENT": 5, "OTHER": 15,
} | env("DISPUTE_DEADLINE_DAYS", cast={"value": int}, default={})  # fmt: skip
DISPUTE_FILE_MAX_BYTES = env.int("DISPUTE_FILE_MAX_BYTES", default=20 * 1024 * 1024)
# A payment plan from this amount on, in its currency, is approved by a second person.
PLAN_APPROVAL_AMOUNT = Decimal(env.str("PLAN_APPROVAL_AMOUNT", default="10000"))
PLAN_GRACE_DAYS = env.int("PLAN_GRACE_DAYS", default=5)
PLAN_REMINDER_DAYS = env.int("PLAN_REMINDER_DAYS", default=5)
# So many calendar days are given to a payment that a life-cycle status (211) announces.
EINVOICE_ADVICE_DAYS = env.int("EINVOICE_ADVICE_DAYS", default=10)

# --- post and telephone -----------------------------------------------------------------------------------

# Letters on paper go to a printer as soon as its folder is named; without, the house prints them.
POST_EXCHANGE = bool(env.str("POST_ROOT", default="") or env.str("POST_STORAGE", default=""))
# A new batch of an entity waits so many minutes for more letters.
POST_BATCH_MINUTES = env.int("POST_BATCH_MINUTES", default=60)
# The provider of electronic registered letters.
ERE_URL = env.str("ERE_URL", default="")
ERE_TOKEN = env.str("ERE_TOKEN", default="")
# After so many calls without reaching anybody, a person decides what to do instead.
CALL_ATTEMPTS = env.int("CALL_ATTEMPTS", default=3)

# --- legal announcements ----------------------------------------------------------------------------------

WATCH_MAX_BYTES = env.int("WATCH_MAX_BYTES", default=50 * 1024 * 1024)
# A folder of the storage `drop` in which files of announcements are put.
WATCH_FOLDER = env.str("WATCH_FOLDER", default="veille")
# The dataset of the open-data service (either version of its API); empty: nothing is asked for.
BODACC_URL = env.str("BODACC_URL", default="")
BODACC_FAMILIES = env.list(
    "BODACC_FAMILIES", default=["collective", "conciliation", "radiation", "modification"]
)
# The first query goes so many days back; later ones go on from the last day read.
BODACC_SINCE_DAYS = env.int("BODACC_SINCE_DAYS", default=60)
SIRENE_URL = env.str("SIRENE_URL", default="")
SIRENE_KEY = env.str("SIRENE_KEY", default="")
# Hosts of one's own network that may be asked all the same: a mirror, a proxy.
WATCH_INNER_HOSTS = env.list("WATCH_INNER_HOSTS", default=[])

# --- people -----------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "core.User"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
if TESTING:
    PASSWORD_HASHERS.insert(0, "django.contrib.auth.hashers.MD5PasswordHasher")
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# --- language and time ------------------------------------------------------------------------------------

LANGUAGE_CODE = "fr"
LANGUAGES = [("fr", _("Français")), ("en", _("Anglais"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Europe/Paris"

# --- doors ------------------------------------------------------------------------------------------------

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_AGE = 12 * 3600
SECURE_SSL_REDIRECT = HTTPS and not TESTING
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "SAMEORIGIN"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "frame-src": [SELF],
        "frame-ancestors": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "manifest-src": [SELF],
    }
}

# --- mail -------------------------------------------------------------------------------------------------

_email_url = env.str("EMAIL_URL", default="")
if _email_url:
    vars().update(env.email_url_config(_email_url))
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = HOME / "outbox"
EMAIL_TIMEOUT = 30
# The answer to a whole message may take a server ten minutes (RFC 5321, 4.5.3.2.6).
MAIL_ANSWER_SECONDS = env.int("MAIL_ANSWER_SECONDS", default=600)
MAIL_MAX_BYTES = env.int("MAIL_MAX_BYTES", default=15_000_000)
MAIL_REPORTS_MAILDIR = env.str("MAIL_REPORTS_MAILDIR", default="")
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Encours <relances@localhost>")
SMS_GATEWAY_URL = env.str("SMS_GATEWAY_URL", default="")
SMS_GATEWAY_TOKEN = env.str("SMS_GATEWAY_TOKEN", default="")
SMS_SENDER = env.str("SMS_SENDER", default="")

# --- jobs -------------------------------------------------------------------------------------------------

CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default=_urls.celery_broker)
CELERY_TASK_DEFAULT_QUEUE = env.str("CELERY_QUEUE", default="encours")
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# A task that hangs is ended; its rows keep their state and another sweep takes them up.
CELERY_TASK_TIME_LIMIT = env.int("TASK_SECONDS", default=2 * 60 * 60)
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = TIME_ZONE
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Somebody waits while a task is asked for: one more try at once, no more. Workers have their own patience.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_connect_timeout": 2,
    "max_retries": 1,
    "interval_start": 0.1,
}

# --- API --------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "core.api.authentication.ApiKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["core.api.permissions.HasPermission"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "core.api.pagination.KeysetPagination",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "core.api.problems.problem_handler",
    "COERCE_DECIMAL_TO_STRING": True,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
# Per key, or per person signed in; 0: no limit.
API_REQUESTS_PER_MINUTE = env.int("API_REQUESTS_PER_MINUTE", default=600)
SPECTACULAR_SETTINGS = {
    "TITLE": "Encours",
    "DESCRIPTION": _("Gestion du crédit client : clients, pièces, balance âgée, relances, lots de pièces."),
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["core.api.permissions.SignedIn"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "TAGS": [
        {"name": "customers", "description": _("Clients")},
        {"name": "invoices", "description": _("Pièces : factures, avoirs, règlements")},
        {"name": "ageing", "description": _("Balance âgée")},
        {"name": "invoice-batches", "description": _("Lots de pièces")},
        {"name": "einvoice-statuses", "description": _("Statuts de factures électroniques")},
        {"name": "bank-statements", "description": _("Relevés de compte")},
        {"name": "credit-checks", "description": _("Puis-je livrer ? Contrôles de crédit et réservations")},
        {"name": "orders", "description": _("Commandes et livraisons non facturées")},
        {"name": "exposures", "description": _("Encours, plafonds et blocages d’un client")},
        {"name": "holds", "description": _("Blocages de livraison")},
        {"name": "notices", "description": _("Relances et courriers")},
    ],
    "COMPONENT_SPLIT_REQUEST": True,
    # Docstrings speak to whoever reads the code; what partners read is written as such, and translated.
    "DISABLE_DOCSTRING_DESCRIPTIONS": True,
    "ENUM_NAME_OVERRIDES": {
        "BankFileFormat": "invoices.models.BankFile.Format",
        "BankFileStatus": "invoices.models.BankFile.Status",
        "BankStatementKind": "invoices.models.BankStatement.Kind",
        "BankStatementStatus": "invoices.models.BankStatement.Status",
        "CheckOutcome": "risk.models.CreditCheck.Outcome",
        "CheckStatus": "risk.models.orders.CheckStatus",
        "CreditReasonCode": "risk.credit_rules.Code",
        "CustomerKind": "customers.models.Customer.Kind",
        "CustomerStatus": "customers.models.Customer.Status",
        "DeliveryStatus": "dunning.models.Delivery.Status",
        "HoldKind": "risk.models.CreditHold.Kind",
        "HoldStatus": "risk.models.holds.HoldStatus",
        "InvoiceBatchFormat": "invoices.models.ImportBatch.Format",
        "InvoiceBatchStatus": "invoices.models.imports.ImportStatus",
        "ItemKind": "invoices.models.OpenItem.Kind",
        "LevelKind": "dunning.models.Level.Kind",
        "LimitBasis": "risk.models.limits.LimitBasis",
        "LimitKind": "risk.models.limits.LimitKind",
        "NoticeStatus": "dunning.models.notices.NoticeStatus",
        "OrderStatus": "risk.models.orders.OrderStatus",
        "StatementBasis": "risk.models.FinancialStatement.Basis",
        "UnbilledDeliveryStatus": "risk.models.orders.DeliveryStatus",
    },
}

# --- logs -------------------------------------------------------------------------------------------------

_log_format = env.str("LOG_FORMAT", default="json" if HTTPS else "console")
_shared_processors = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "structured": {
            "()": structlog.stdlib.ProcessorFormatter,
            "foreign_pre_chain": _shared_processors,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info
                if _log_format == "json"
                else structlog.processors.StackInfoRenderer(),
                structlog.processors.JSONRenderer()
                if _log_format == "json"
                else structlog.dev.ConsoleRenderer(colors=False),
            ],
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="WARNING" if TESTING else "INFO")},
    "loggers": {
        "fontTools": {"level": "ERROR"},
        "weasyprint": {"level": "ERROR"},
        "django.server": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
    },
}
structlog.configure(
    processors=[*_shared_processors, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)

os.environ.setdefault("PGTZ", "UTC")
