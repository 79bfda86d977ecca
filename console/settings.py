"""All settings of the console. What differs between machines comes from `console.env`."""

from datetime import timedelta
from typing import Any

from csp.constants import NONE, SELF
from psycopg.conninfo import conninfo_to_dict

from console.env import ROOT, env

ENV = env()
BASE_DIR = ROOT
DATA_DIR = ENV.data
DEBUG = ENV.debug
SECRET_KEY = ENV.secret
ALLOWED_HOSTS = [host.strip() for host in ENV.allowed_hosts.split(",") if host.strip()]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_htmx",
    "guardian",
    "simple_history",
    "csp",
    "axes",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.mfa",
    "allauth.usersessions",
    "audit",
    "routing",
    "usecases",
    "console",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "console.middleware.head",
    "console.api.problems.middleware",
    "console.middleware.outages",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "console.middleware.entry_point",
    "console.middleware.time_zone",
    "allauth.account.middleware.AccountMiddleware",
    "console.sessions.middleware",
    "console.second_factor.middleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "console.urls"
ASGI_APPLICATION = "console.asgi.application"
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
                "console.context.shell",
            ],
        },
    }
]


def _database(url: str) -> dict[str, Any]:
    """Turn a connection string into Django's words; whatever Django has no word for goes to psycopg as it is."""
    parts = conninfo_to_dict(url)
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    known = {django: str(parts.pop(psycopg, "") or "") for django, psycopg in names.items()}
    # The pool doubles its pauses for five minutes by itself: a console whose database is back must not wait for that.
    pool = {
        "reconnect_timeout": 1.0,
        "min_size": 1,
        "max_size": ENV.database_pool_size,
        "timeout": 5,
        "max_idle": 60,
    }
    parts.setdefault("connect_timeout", 3)
    return {"ENGINE": "django.db.backends.postgresql", **known, "OPTIONS": {**parts, "pool": pool}}


DATABASES = {"default": _database(ENV.database)}
DATABASE_URL = ENV.database
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",  # first: a locked name is not even looked up
    "django.contrib.auth.backends.ModelBackend",
    "guardian.backends.ObjectPermissionBackend",
]
ANONYMOUS_USER_NAME = None  # guardian: nobody has permissions without signing in
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "portfolio"
LOGOUT_REDIRECT_URL = "sign-in"
SESSION_COOKIE_AGE = int(ENV.session_idle_hours * 3600)
SESSION_MAX_AGE = int(ENV.session_max_hours * 3600)
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = ENV.secure_cookies
TRUSTED_PROXIES = ENV.proxies
# Shared by all web processes, and there while Redis is not: second factors' used codes and counts of guesses.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "console_cache"}}

ACCOUNT_ADAPTER = "console.adapters.Accounts"
ACCOUNT_FORMS = {"login": "console.sign_in_forms.SignInForm"}
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True  # as long as `SESSION_COOKIE_AGE`: `console.sessions` renews it
ACCOUNT_REAUTHENTICATION_TIMEOUT = 15 * 60
# Passwords are counted by axes; what is left to allauth are codes of second factors, asked after the password.
ACCOUNT_RATE_LIMITS = {
    "login": "60/m/ip",
    "login_failed": "5/5m/key,50/d/key",
    "change_password": "5/5m/user,50/d/user",  # the old one is asked there, too
}
MFA_ADAPTER = "console.adapters.SecondFactors"
MFA_TOTP_ISSUER = "Operator console"
MFA_TOTP_TOLERANCE = 1  # a phone's clock may be half a minute off
REQUIRE_MFA = ENV.require_mfa
SOCIALACCOUNT_ADAPTER = "console.adapters.Providers"
SOCIALACCOUNT_AUTO_SIGNUP = True
SOCIALACCOUNT_REAUTHENTICATION_REQUIRED = (
    True  # another way in is connected by whom it is, not by who sits there
)
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False  # an address alone never opens an account that was there before
SOCIALACCOUNT_PROVIDERS: dict[str, dict[str, Any]] = {
    "openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": []}
}
if ENV.oidc:
    SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"] = [
        {
            "provider_id": "oidc",
            "name": ENV.oidc_name,
            "client_id": ENV.oidc_client_id,
            "secret": ENV.oidc_client_secret,
            "settings": {"server_url": ENV.oidc_issuer, "oauth_pkce_enabled": True},
        }
    ]
OIDC_GROUPS_CLAIM = ENV.oidc_groups_claim
OIDC_GROUP_MAP = ENV.group_map
OIDC_ASKS_SECOND_FACTOR = ENV.oidc_asks_second_factor

AXES_HANDLER = "console.lockout.Handler"
AXES_LOCKOUT_CALLABLE = "console.lockout.told"
AXES_CLIENT_IP_CALLABLE = "console.addresses.of"
AXES_USERNAME_CALLABLE = "console.lockout.name_of"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=ENV.lockout_minutes)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # else whoever keeps guessing locks out for ever
AXES_RESET_ON_SUCCESS = True
AXES_ENABLE_ACCESS_FAILURE_LOG = True
AXES_DISABLE_ACCESS_LOG = True  # sign-ins are in the record
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "csrfmiddlewaretoken", "code"]
AXES_VERBOSE = False
if ENV.trust_proxy:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "console.views.errors.csrf_failure"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

LANGUAGE_CODE = "en"
TIME_ZONE = ENV.time_zone
USE_I18N = False
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "console.static_files.PlotlyFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = False

CELERY_BROKER_URL = ENV.redis
SIGNING_KEY_FILE = DATA_DIR / "keys" / "signing.pem"
AUDIT_KEY_FILE = DATA_DIR / "keys" / "audit.pem"
SLOW_APPLY_SECONDS = ENV.slow_apply_seconds

# Decision logs that people upload lie here until they are imported; worker and web process share the folder.
UPLOADS = DATA_DIR / "uploads"
UPLOAD_MAX_BYTES = ENV.upload_max_mib << 20
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
FILE_UPLOAD_PERMISSIONS = 0o600
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000  # three for each column of a log
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024  # a batch of 500 decisions with texts stays well below
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "django.request": {"level": "ERROR"},
        "httpx": {"level": "WARNING"},
        "axes": {"level": "ERROR"},
    },
}
