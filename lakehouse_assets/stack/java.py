"""Finds the Java that every JVM of the stack runs on and refuses one that is too old."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from lakehouse_assets.errors import LakehouseError

LEAST_VERSION = 17  # Spark 4.2 and Kafka 4.3 both need it
_PRINTED = 300  # characters of what a java says, in an error
_NEXT = f"install a Java {LEAST_VERSION} or newer (Debian: apt install openjdk-17-jre-headless) or set JAVA_HOME to one"


def find_java(environ: Mapping[str, str] = os.environ) -> Path:
    """The `java` of JAVA_HOME, else of PATH, as pyspark looks for it; LakehouseError when there is none."""
    if home := environ.get("JAVA_HOME"):
        java = Path(home) / "bin" / "java"
        if not java.is_file():
            raise LakehouseError(f"JAVA_HOME is {home}, and there is no bin/java in it", where="Java", next_step=_NEXT)
        return java
    if found := shutil.which("java", path=environ.get("PATH")):
        return Path(found)
    raise LakehouseError("no java on PATH and JAVA_HOME is not set", where="Java", next_step=_NEXT)


def java_version(java: Path) -> int:
    """The major version that `java -version` prints; LakehouseError when it cannot be read."""
    try:
        done = subprocess.run([str(java), "-version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LakehouseError(f"{java} does not run: {error}", where="Java", next_step=_NEXT) from None
    printed = (done.stderr + done.stdout).strip()
    match = re.search(r'version "(?:1\.)?(\d+)', printed)
    if not match:
        raise LakehouseError(
            f"the version of {java} cannot be read: it prints {printed[:_PRINTED]!r}, and ends with {done.returncode}",
            where="Java",
            next_step=_NEXT,
        )
    return int(match[1])


def require_java(environ: Mapping[str, str] = os.environ) -> Path:
    """The `java` to use, checked to be new enough; LakehouseError otherwise."""
    java = find_java(environ)
    version = java_version(java)
    if version < LEAST_VERSION:
        raise LakehouseError(
            f"{java} is version {version}; {LEAST_VERSION} or newer is needed", where="Java", next_step=_NEXT
        )
    return java
