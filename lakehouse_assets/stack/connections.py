"""How to reach every service of a stack, embedded or external: settings and secrets turned into addresses."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from lakehouse_assets.errors import ConfigurationError
from lakehouse_assets.settings import Settings
from lakehouse_assets.stack import secrets
from lakehouse_assets.stack.ports import LOOPBACK, Port, is_own

DATABASE = "condominio"
ADMIN_ROLE = "lakehouse_admin"
APP_ROLE = "lakehouse_app"
REPLICATION_ROLE = "lakehouse_replication"

POSTGRES, KAFKA, CONNECT, SPARK = "postgres", "kafka", "connect", "spark"
_SETTING_OF = {POSTGRES: "source_dsn", KAFKA: "kafka_bootstrap", CONNECT: "connect_url", SPARK: "spark_remote"}


@dataclass(frozen=True)
class Replication:
    """Where and as whom the connector reads the source."""

    host: str
    port: int
    database: str
    user: str
    password: str = field(repr=False)

    @property
    def by_reference(self) -> bool:
        """Whether the password is a reference that only a Connect worker can follow."""
        return self.password.startswith("${")

    @property
    def dsn(self) -> str:
        """The same as a URL."""
        role, password = quote(self.user, safe=""), quote(self.password, safe="")
        return f"postgresql://{role}:{password}@{self.host}:{self.port}/{quote(self.database, safe='')}"


@dataclass(frozen=True)
class Connections:
    """The addresses of one stack; no password shows in its repr."""

    admin_dsn: str | None = field(repr=False)  # only of an embedded PostgreSQL, and only once it has been made
    source_dsn: str = field(repr=False)
    replication: Replication
    kafka_bootstrap: str
    connect_url: str
    spark_remote: str
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
        """The words of `lakehouse env`; the DSN among them carries the application role's password."""
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
    """Which of postgres, kafka, connect and spark are not given by a setting (or are given as what they are anyway)."""
    given = {name: getattr(settings, setting) for name, setting in _SETTING_OF.items()}
    return frozenset(name for name, address in given.items() if not address or is_own(address, settings.port_base))


def external_replication(settings: Settings) -> Replication:
    """The connector's access to an external PostgreSQL: `LAKEHOUSE_REPLICATION_DSN`, else the source's own DSN."""
    setting = "LAKEHOUSE_REPLICATION_DSN" if settings.replication_dsn else "LAKEHOUSE_SOURCE_DSN"
    parts = urlsplit(settings.replication_dsn or settings.source_dsn or "")
    database, user = unquote(parts.path.lstrip("/")), unquote(parts.username or "")
    if parts.scheme not in ("postgresql", "postgres") or not (parts.hostname and database and user):
        raise ConfigurationError(
            [f"{setting}: expected postgresql://user:password@host:port/database"],
            where="environment",
            next_step=f"correct {setting}; docs/settings.md says what it is for",
        )
    return Replication(parts.hostname, _port(setting, parts.netloc), database, user, unquote(parts.password or ""))


def _port(setting: str, netloc: str) -> int:
    digits = netloc.rpartition("@")[2].rpartition(":")[2]
    if ":" not in netloc.rpartition("@")[2]:
        return 5432
    if not digits.isdigit() or not 0 < int(digits) < 65536:
        raise ConfigurationError([f"{setting}: the port is no number from 1 to 65535"], where="environment")
    return int(digits)


def _own_replication(passwords: dict[str, str], port_base: int) -> Replication:
    password = passwords.get(secrets.REPLICATION, "")
    return Replication(LOOPBACK, Port.POSTGRES.of(port_base), DATABASE, REPLICATION_ROLE, password)


def _dsn(role: str, password: str, port_base: int, database: str = DATABASE) -> str:
    return f"postgresql://{role}:{quote(password, safe='')}@{LOOPBACK}:{Port.POSTGRES.of(port_base)}/{database}"
