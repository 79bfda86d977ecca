"""The environment, typed. No other module reads it."""

import json
import secrets
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from pydantic import Field
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
    slow_apply_seconds: float = 0.0
    upload_max_mib: int = Field(default=2048, ge=1)

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


@lru_cache(maxsize=1)
def env() -> Env:
    """Return the environment, read once."""
    return Env()
