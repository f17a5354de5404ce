"""How the two Kafka JVMs are started: one class path, small heaps, a log for people on standard output."""

from __future__ import annotations

from pathlib import Path

from lakehouse_assets.settings import Settings
from lakehouse_assets.stack.jars import jar_paths

_LOG4J = """<?xml version="1.0" encoding="UTF-8"?>
<Configuration status="ERROR">
  <Appenders>
    <Console name="stdout" target="SYSTEM_OUT">
      <PatternLayout pattern="%d{yyyy-MM-dd'T'HH:mm:ss.SSS}{UTC}Z %-5p %c{1} - %m%n%ex"/>
    </Console>
  </Appenders>
  <Loggers>
    <!-- These print whole configurations, again and again. -->
    <Logger name="org.apache.kafka.common.config" level="WARN"/>
    <Logger name="org.apache.kafka.clients" level="WARN"/>
    <Logger name="org.apache.kafka.connect.runtime.WorkerConfig" level="WARN"/>
    <Logger name="org.apache.kafka.connect.runtime.WorkerInfo" level="WARN"/>
    <Logger name="org.apache.kafka.connect.runtime.isolation" level="WARN"/>
    <Logger name="org.apache.kafka.coordinator.group" level="WARN"/>
    <Logger name="kafka.server.KafkaConfig" level="WARN"/>
    <Logger name="org.eclipse.jetty" level="WARN"/>
    <Logger name="org.glassfish" level="ERROR"/>
    <Logger name="org.reflections" level="ERROR"/>
    <Logger name="state.change.logger" level="WARN"/>
    <Root level="INFO"><AppenderRef ref="stdout"/></Root>
  </Loggers>
</Configuration>
"""
# Two cores and little memory: the serial collector has the least overhead, and a code cache of 240 MB is never filled.
_OPTIONS = (
    "-XX:+UseSerialGC",
    "-XX:ReservedCodeCacheSize=96m",
    "-XX:MaxMetaspaceSize=192m",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    "-Duser.timezone=UTC",
    "-Dfile.encoding=UTF-8",
)


def write_log_configuration(folder: Path) -> Path:
    """Write the log configuration into `folder` and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "log4j2.xml"
    path.write_text(_LOG4J, encoding="utf-8")
    return path


def write_properties(path: Path, text: str) -> None:
    """Write a properties file. Java reads one as Latin-1, so every letter beyond ASCII is written as its UTF-16 escape."""
    path.write_text("".join(sign if sign.isascii() else _escaped(sign) for sign in text), encoding="ascii")


def _escaped(sign: str) -> str:
    units = sign.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def command(settings: Settings, java: Path, folder: Path, heap_mb: int, main: str, *arguments: str) -> tuple[str, ...]:
    """The command that runs `main` of the kafka jars in the foreground with at most `heap_mb` of heap."""
    class_path = ":".join(str(path) for path in jar_paths(settings.cache, "kafka"))
    heap = (f"-Xms{min(heap_mb, 128)}m", f"-Xmx{heap_mb}m")
    logging = f"-Dlog4j2.configurationFile={folder / 'log4j2.xml'}"
    return (str(java), *heap, *_OPTIONS, logging, "-cp", class_path, main, *arguments)
