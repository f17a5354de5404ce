"""Fetches exact jars with the Ivy that pyspark carries, so that no Maven is needed on the machine.

Ivy knows its default repository itself; no address is written here. One Ivy resolves one module after the other, so
several run side by side, each with its own cache folder (Ivy's cache is not safe to share while it is written).
"""

from __future__ import annotations

import importlib.util
import subprocess
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

from lakehouse_assets.errors import LakehouseError

SHARDS = 8  # one Ivy needs two minutes for the three sets, nearly all of it waiting
_TIMEOUT_SECONDS = 540
_SHOWN = 3
_PATTERN = "[organisation]--[artifact]-[revision].[ext]"
_NEXT = "check the network (or its proxy settings in JAVA_TOOL_OPTIONS) and run the command again; what came is kept"


class FetchError(LakehouseError):
    """Something did not come; what did is in the folder."""


def pyspark_jars() -> Path:
    """The folder of jars inside the installed pyspark."""
    spec = importlib.util.find_spec("pyspark")
    if spec is None or not spec.submodule_search_locations:
        raise LakehouseError("pyspark is not installed", where="jars", next_step="make setup")
    return Path(spec.submodule_search_locations[0]) / "jars"


def fetched_name(organisation: str, module: str, revision: str) -> str:
    """The name under which a fetched jar lies in the target folder."""
    return f"{organisation}--{module}-{revision}.jar"


def fetch(java: Path, coordinates: Sequence[tuple[str, str, str]], folder: Path) -> None:
    """Fetch (organisation, module, revision) jars into `folder`; FetchError with Ivy's own words when one fails."""
    shards = [part for part in (coordinates[start::SHARDS] for start in range(SHARDS)) if part]
    running = [_start(java, part, folder / f"shard{number}", folder) for number, part in enumerate(shards)]
    try:
        outputs = [process.communicate(timeout=_TIMEOUT_SECONDS)[0] for process in running]
    except subprocess.TimeoutExpired:
        raise FetchError(f"no answer within {_TIMEOUT_SECONDS} s", where="jars", next_step=_NEXT) from None
    finally:
        for process in running:
            process.kill()
    ended = zip(running, outputs, strict=True)
    reasons = [reason for process, output in ended if process.returncode for reason in _reasons(output)]
    if reasons:
        more = f"; and {len(reasons) - _SHOWN} more" if len(reasons) > _SHOWN else ""
        raise FetchError("; ".join(reasons[:_SHOWN]) + more, where="jars", next_step=_NEXT)


def _start(java: Path, coordinates: Sequence[tuple[str, str, str]], shard: Path, folder: Path) -> subprocess.Popen[str]:
    shard.mkdir(parents=True)
    listing = shard / "ivy.xml"
    listing.write_text(_ivy_xml(coordinates), encoding="utf-8")
    command = [str(java), "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx256m", f"-Duser.home={shard}"]
    command += ["-cp", f"{pyspark_jars()}/*", "org.apache.ivy.Main", "-warn", "-novalidate"]
    command += ["-cache", str(shard / "cache"), "-ivy", str(listing), "-confs", "default"]
    command += ["-types", "jar", "bundle", "-retrieve", f"{folder}/{_PATTERN}"]
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def _ivy_xml(coordinates: Sequence[tuple[str, str, str]]) -> str:
    lines = "\n".join(
        f"<dependency org={quoteattr(organisation)} name={quoteattr(module)} rev={quoteattr(revision)}"
        ' conf="default->master" transitive="false"/>'
        for organisation, module, revision in coordinates
    )
    return f"""<ivy-module version="2.0"><info organisation="lakehouse" module="jars"/>
<configurations><conf name="default"/></configurations>
<dependencies>
{lines}
</dependencies></ivy-module>
"""


def _reasons(output: str) -> list[str]:
    lines = [line.strip(" \t:") for line in output.splitlines()]
    telling = [line for line in lines if "not found" in line or "FAILED" in line or "Exception" in line]
    return list(dict.fromkeys(telling)) or ["Ivy failed without a reason"]
