"""How to reach every service of a stack, embedded or external: settings and secrets turned into addresses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, quote, unquote, urlsplit

from lakehouse_assets.addresses import split
from lakehouse_assets.errors import ConfigurationError
from lakehouse_assets.settings import PREFIX, Settings
from lakehouse_assets.stack import secrets
from lakehouse_assets.stack.ports import LOOPBACK, Port, is_own

DATABASE = "condominio"
ADMIN_ROLE = "lakehouse_admin"
APP_ROLE = "lakehouse_app"
REPLICATION_ROLE = "lakehouse_replication"

POSTGRES, KAFKA, CONNECT, SPARK = "postgres", "kafka", "connect", "spark"
_SETTING_OF = {POSTGRES: "source_dsn", KAFKA: "kafka_bootstrap", CONNECT: "connect_url", SPARK: "spark_remote"}
_DSN_FORM = "postgresql://user:password@host:port/database"
_FORMS = {
    "source_dsn": _DSN_FORM,
    "replication_dsn": _DSN_FORM,
    "kafka_bootstrap": "host:port,...",
    "connect_url": "http://host:port",
    "spark_remote": "sc://host:port",
}

SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")  # libpq's; the connector has the same
_TLS = ("sslmode", "sslrootcert", "sslcert", "sslkey")
_OF_NO_CONCERN = ("connect_timeout", "application_name")  # to the connector, which has its own


@dataclass(frozen=True)
class Replication:
    """Where and as whom the connector reads the source."""

    host: str
    port: int
    database: str
    user: str
    password: str = field(repr=False)
    tls: tuple[tuple[str, str], ...] = ()  # (name, value) of libpq's sslmode, sslrootcert, sslcert, sslkey, where given

    @property
    def place(self) -> str:
        """`host:port/database`, for people."""
        return f"{self._authority}/{self.database}"

    @property
    def _authority(self) -> str:
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @property
    def by_reference(self) -> bool:
        """Whether the password is a reference that only a Connect worker can follow."""
        return self.password.startswith("${")

    @property
    def dsn(self) -> str:
        """The same as a URL, with what it says of TLS."""
        role, password = quote(self.user, safe=""), quote(self.password, safe="")
        query = "&".join(f"{name}={quote(value)}" for name, value in self.tls)
        address = f"postgresql://{role}:{password}@{self._authority}/{quote(self.database, safe='')}"
        return f"{address}?{query}" if query else address


@dataclass(frozen=True)
class Connections:
    """The addresses of one stack; no password shows in its repr."""

    admin_dsn: str | None = field(repr=False)  # only of an embedded PostgreSQL, and only once it has been made
    source_dsn: str = field(repr=False)
    replication: Replication
    kafka_bootstrap: str = field(repr=False)
    connect_url: str = field(repr=False)
    spark_remote: str = field(repr=False)
    dagster_home: Path
    lake: Path
    webserver_url: str
    page_url: str
    embedded: frozenset[str]  # which of postgres, kafka, connect, spark this stack starts itself

    def is_embedded(self, service: str) -> bool:
        """Whether this stack starts the service (postgres, kafka, connect, spark) itself."""
        return service in self.embedded

    @property
    def checking_dsn(self) -> str:
        """As whom the source is looked at: the connector's role, whose rights count, where its password is known here.

        An external Connect may hold it as a reference (`${file:...}`) that means nothing on this machine.
        """
        return self.source_dsn if self.replication.by_reference else self.replication.dsn

    @property
    def owner_dsn(self) -> str | None:
        """The embedded source's database as its administrator, None where there is no such."""
        return self.admin_dsn and urlsplit(self.admin_dsn)._replace(path=f"/{DATABASE}").geturl()

    def environment(self) -> dict[str, str]:
        """The words of `lakehouse env`, whole, for export: they hold the application role's password, and the password
        or token that the address of an external Connect or Spark has. Elsewhere an address is shown without them."""
        return {
            "LAKEHOUSE_SOURCE_DSN": self.source_dsn,
            "LAKEHOUSE_KAFKA_BOOTSTRAP": self.kafka_bootstrap,
            "LAKEHOUSE_CONNECT_URL": self.connect_url,
            "LAKEHOUSE_SPARK_REMOTE": self.spark_remote,
            "LAKEHOUSE_LAKE": str(self.lake),
            "DAGSTER_HOME": str(self.dagster_home),
        }


def connections(settings: Settings) -> Connections:
    """The addresses of the stack of `settings`; ConfigurationError when an external address cannot be read."""
    passwords = secrets.read_secrets(settings.home)
    embedded = embedded_services(settings)
    base = settings.port_base
    external = {name: getattr(settings, setting) for name, setting in _SETTING_OF.items() if name not in embedded}
    own_postgres = POSTGRES in embedded
    source = external.get(POSTGRES) or _dsn(APP_ROLE, passwords.get(secrets.APP, ""), base)
    admin = passwords.get(secrets.ADMIN)
    return Connections(
        admin_dsn=_dsn(ADMIN_ROLE, admin, base, "postgres") if own_postgres and admin else None,
        source_dsn=source,
        replication=_own_replication(passwords, base) if own_postgres else external_replication(settings),
        kafka_bootstrap=external.get(KAFKA) or f"{LOOPBACK}:{Port.KAFKA.of(base)}",
        connect_url=(external.get(CONNECT) or f"http://{LOOPBACK}:{Port.CONNECT.of(base)}").rstrip("/"),
        spark_remote=external.get(SPARK) or f"sc://{LOOPBACK}:{Port.SPARK_CONNECT.of(base)}",
        dagster_home=settings.dagster_home,
        lake=settings.lake,
        webserver_url=f"http://{LOOPBACK}:{Port.WEBSERVER.of(base)}",
        page_url=f"http://{LOOPBACK}:{Port.DASHBOARD.of(base)}",
        embedded=embedded,
    )


def embedded_services(settings: Settings) -> frozenset[str]:
    """Which of postgres, kafka, connect and spark are not given by a setting (or are given as what they are anyway).

    ConfigurationError when a given address cannot be read.
    """
    return frozenset(name for name, setting in _SETTING_OF.items() if _is_embedded(settings, setting))


def _is_embedded(settings: Settings, setting: str) -> bool:
    address = getattr(settings, setting)
    if not address:
        return True
    if setting == "source_dsn" and "://" not in address:
        return False  # libpq's own form, `host=... user=...`, is libpq's to read
    for one in address.split(",") if setting == "kafka_bootstrap" else [address]:
        _split(setting, one)
    return is_own(address, settings.port_base)


def _split(setting: str, address: str) -> SplitResult:
    """The parts of an address; ConfigurationError, which repeats nothing of its text, when it cannot be read."""
    parts = split(address)
    if parts is None:
        raise _unreadable(setting)
    return parts


def _unreadable(setting: str) -> ConfigurationError:
    expected = f"expected {_FORMS[setting]}, special characters %-encoded"
    return _misconfigured(setting, [f"cannot be read; {expected}"])


def _misconfigured(setting: str, problems: list[str]) -> ConfigurationError:
    name = PREFIX + setting.upper()
    return ConfigurationError(
        [f"{name}: {problem}" for problem in problems],
        where="environment",
        next_step=f"correct {name}; docs/settings.md says what it is for",
    )


def external_replication(settings: Settings) -> Replication:
    """The connector's access to an external PostgreSQL: `LAKEHOUSE_REPLICATION_DSN`, else the source's own DSN.

    ConfigurationError when it cannot be read, or says what the connector cannot be told.
    """
    setting = "replication_dsn" if settings.replication_dsn else "source_dsn"
    parts = _split(setting, getattr(settings, setting) or "")
    database, user = unquote(parts.path.lstrip("/")), unquote(parts.username or "")
    if parts.scheme not in ("postgresql", "postgres") or not (parts.hostname and database and user):
        raise _unreadable(setting)
    parameters = _parameters(parts.query)
    if problems := _parameter_problems(parameters):
        raise _misconfigured(setting, problems)
    tls = tuple((name, parameters[name]) for name in _TLS if parameters.get(name))
    return Replication(parts.hostname, parts.port or 5432, database, user, unquote(parts.password or ""), tls)


def _parameters(query: str) -> dict[str, str]:
    """The parameters of a DSN as libpq reads them: to it a plus is no blank, and of two the last one counts."""
    pairs = (part.partition("=") for part in query.split("&") if part)
    return {unquote(name): unquote(value) for name, _, value in pairs}


def _parameter_problems(parameters: Mapping[str, str]) -> list[str]:
    """What the connector cannot be told, never a value; a name that cannot be libpq's may be a piece of a password."""
    others = sorted(parameters.keys() - {*_TLS, *_OF_NO_CONCERN})
    named = dict.fromkeys(name if re.fullmatch("[a-z_]+", name) else "a parameter unknown to libpq" for name in others)
    takes = f"it takes {', '.join(_TLS)}, of LAKEHOUSE_REPLICATION_DSN where that is set"
    problems = [f"{name}: the connector cannot be given it; {takes}" for name in named]
    if parameters.get("sslmode", "prefer") not in SSL_MODES:
        problems.append(f"sslmode: expected one of {', '.join(SSL_MODES)}")
    return problems


def _own_replication(passwords: dict[str, str], port_base: int) -> Replication:
    password = passwords.get(secrets.REPLICATION, "")
    return Replication(LOOPBACK, Port.POSTGRES.of(port_base), DATABASE, REPLICATION_ROLE, password)


def _dsn(role: str, password: str, port_base: int, database: str = DATABASE) -> str:
    return f"postgresql://{role}:{quote(password, safe='')}@{LOOPBACK}:{Port.POSTGRES.of(port_base)}/{database}"
