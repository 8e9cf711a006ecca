"""How people sign in: what base shares. Limits and the single sign-on are read from the environment, strictly."""

from typing import Any

from config import environment, single_sign_on

env = environment.Environment()

AUTH_USER_MODEL = "pathway.User"
AUTHENTICATION_BACKENDS = ["pathway.signin.backends.AccountBackend"]
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    # Django's list of 20 000, and what is one of them with something written around it.
    {"NAME": "pathway.signin.passwords.CommonPasswordValidator"},
]
# scrypt is memory-hard and needs nothing beyond OpenSSL; PBKDF2 reads older passwords.
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
PASSWORD_RESET_TIMEOUT = 60 * env.integer("PATHWAY_RESET_MINUTES", 60, 5, 1440)  # seconds
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"

# Whose second factor is required: at sites by `Site.requires_mfa`; here, of the administration.
STAFF_REQUIRES_MFA = env.boolean("PATHWAY_STAFF_MFA", True)
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_AGE = 60 * env.integer("PATHWAY_SESSION_MINUTES", 720, 15, 1440)  # seconds, whatever somebody does
SESSION_IDLE_SECONDS = 60 * env.integer("PATHWAY_IDLE_MINUTES", 15, 2, 240)
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"

# Failures within the window: of one account from one address, of one account, of one address.
SIGN_IN_WINDOW_SECONDS = 15 * 60
SIGN_IN_FAILURES = 10
SIGN_IN_FAILURES_OF_ACCOUNT = 50
SIGN_IN_FAILURES_OF_ADDRESS = 50

# A table, so that all web processes count together. Without the database nobody signs in either.
CACHES = {"default": {"BACKEND": "pathway.signin.cache.TableCache", "LOCATION": "sign_in_cache"}}

ACCOUNT_ADAPTER = "pathway.signin.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = "Pathway: "
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300  # seconds
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_FORMS = {
    "login": "pathway.signin.forms.SignInForm",
    "reset_password": "pathway.signin.forms.AskForLinkForm",
}
# Passwords are counted by pathway.signin.throttle; `login_failed` counts codes of the second factor here.
ACCOUNT_RATE_LIMITS = {
    "login": "60/m/ip",
    "login_failed": "5/15m/key",
    "reset_password": "20/15m/ip,3/15m/key",
    "reset_password_from_key": "20/15m/ip",
    "change_password": "10/15m/user",
    "reauthenticate": "10/15m/user",
}

MFA_ADAPTER = "pathway.signin.authenticators.AuthenticatorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_FORMS = {
    "authenticate": "pathway.signin.forms.CodeForm",
    "reauthenticate": "pathway.signin.forms.CodeAgainForm",
    "activate_totp": "pathway.signin.forms.ActivateForm",
}
MFA_TOTP_ISSUER = "Pathway"
MFA_TOTP_TOLERANCE = 0  # a code is remembered as used for as long as it holds, and holds no longer than that
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_RECOVERY_CODE_DIGITS = 12
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TRUST_ENABLED = False

SINGLE_SIGN_ON = single_sign_on.read(env)
SOCIALACCOUNT_ADAPTER = "pathway.signin.oidc.ClaimsAdapter"
SOCIALACCOUNT_PROVIDERS = single_sign_on.providers(SINGLE_SIGN_ON)
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
SOCIALACCOUNT_STORE_TOKENS = False
# A form that leads to another host is stopped by our content security policy, so it is a link.
SOCIALACCOUNT_LOGIN_ON_GET = True
SOCIALACCOUNT_OPENID_CONNECT_URL_PREFIX = ""

REST_FRAMEWORK = {
    # Tokens alone, cookies are not looked at; a view for pages names the session, which then wants its CSRF token.
    "DEFAULT_AUTHENTICATION_CLASSES": ["pathway.signin.authentication.TokenAuthentication"],
    # A view that names no scope answers nobody.
    "DEFAULT_PERMISSION_CLASSES": ["pathway.signin.authentication.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "COERCE_DECIMAL_TO_STRING": True,
}
