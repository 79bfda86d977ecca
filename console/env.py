"""The environment, typed. No other module reads it."""

import json
import secrets
from functools import cached_property, lru_cache
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent


class Env(BaseSettings):
    """What the process was started with; `DATA_DIR` fills in what a running embedded stack has written there."""

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore")

    data_dir: Path = Path("var")
    port: int = Field(default=8000, ge=1, le=65535)
    assistants: int = Field(default=2, ge=0, le=64)
    samples: bool = True
    traffic: bool = True
    debug: bool = False
    secret_key: str = ""
    allowed_hosts: str = "127.0.0.1,localhost,[::1]"
    database_url: str = ""
    redis_url: str = ""
    time_zone: str = "UTC"
    database_pool_size: int = Field(default=12, ge=1)
    secure_cookies: bool = False
    trust_proxy: bool = False
    trusted_proxies: str = ""
    session_idle_hours: float = Field(default=12, gt=0)
    session_max_hours: float = Field(default=168, gt=0)
    lockout_minutes: float = Field(default=15, gt=0)
    require_mfa: Literal["nobody", "approvers", "everybody"] = "nobody"
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = ""
    oidc_name: str = "single sign-on"
    oidc_groups_claim: str = "groups"
    oidc_group_map: str = ""
    oidc_asks_second_factor: bool = False
    slow_apply_seconds: float = 0.0
    upload_max_mib: int = Field(default=2048, ge=1)

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, given: str) -> str:
        for one in _parts(given):
            ip_network(one, strict=False)
        return given

    @field_validator("oidc_group_map")
    @classmethod
    def _groups(cls, given: str) -> str:
        _group_map(given)
        return given

    @property
    def proxies(self) -> list[str]:
        """Networks whose word on a caller's address is taken. `TRUST_PROXY` alone means one on this machine."""
        return _parts(self.trusted_proxies) or (["127.0.0.0/8", "::1"] if self.trust_proxy else [])

    @property
    def oidc(self) -> bool:
        """Whether people may sign in through an OpenID Connect provider."""
        return bool(self.oidc_issuer and self.oidc_client_id)

    @property
    def group_map(self) -> dict[str, list[str]]:
        """The values of the provider's claim that give each group: `risk=corp-risk, admin=corp-admins`."""
        return _group_map(self.oidc_group_map)

    @cached_property
    def data(self) -> Path:
        """The data folder, absolute; relative paths count from the project."""
        return self.data_dir if self.data_dir.is_absolute() else ROOT / self.data_dir

    @cached_property
    def stack(self) -> dict[str, Any]:
        """What a running `manage.py up` on this data folder says of itself; empty when none ever ran."""
        try:
            found = json.loads((self.data / "stack.json").read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def database(self) -> str:
        """Connection string of PostgreSQL. Where none is known, one whose error says what to set."""
        missing = "postgresql://console@/console?host=/no-database-known-set-DATABASE_URL-or-run-make-up"
        return self.database_url or str(self.stack.get("database_url", "")) or missing

    @property
    def redis(self) -> str:
        return self.redis_url or str(self.stack.get("redis_url", "")) or "redis://127.0.0.1:6379/0"

    @property
    def secret(self) -> str:
        """Django's secret key: given, or made once and kept where only this account can read it."""
        if self.secret_key:
            return self.secret_key
        path = self.data / "keys" / "secret_key"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(50))
        return path.read_text().strip()


def _parts(given: str) -> list[str]:
    return [part.strip() for part in given.split(",") if part.strip()]


def _group_map(given: str) -> dict[str, list[str]]:
    """Read pairs, or JSON where a value itself holds a comma or an equals sign, as directory names do."""
    if given.lstrip().startswith("{"):
        read = json.loads(given)
        return {
            str(name): [values] if isinstance(values, str) else list(values) for name, values in read.items()
        }
    found: dict[str, list[str]] = {}
    for pair in _parts(given):
        name, sign, value = pair.partition("=")
        if not (sign and name.strip() and value.strip()):
            raise ValueError(f"“{pair}” is not GROUP=VALUE")
        found.setdefault(name.strip(), []).append(value.strip())
    return found


@lru_cache(maxsize=1)
def env() -> Env:
    """Return the environment, read once."""
    return Env()
