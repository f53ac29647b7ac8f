"""Office files before a reader sees them: traps in packages, and old formats that LibreOffice turns first."""

from __future__ import annotations

import shutil
import stat
import subprocess
import sys
import tempfile
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Final

from pipeline.extract.refusals import RefusedError

_MOST_MEMBERS: Final = 2_000
_MOST_INFLATED: Final = 200_000_000
_MOST_RATIO: Final = 200
_SMALL: Final = 5_000_000
_NESTED: Final = (".zip", ".docx", ".xlsx", ".xlsm", ".jar", ".7z", ".rar", ".gz")


def check_package(body: bytes) -> None:
    """Raise RefusedError for a zip that would escape, flood, nest, or lead outside. Opens no member."""
    try:
        with zipfile.ZipFile(BytesIO(body)) as package:
            members = package.infolist()
    except (zipfile.BadZipFile, OSError, ValueError):
        raise RefusedError("E_BAD_FILE", "a zip that is torn") from None
    if len(members) > _MOST_MEMBERS:
        raise RefusedError("E_ARCHIVE", f"{len(members):,} members")
    for member in members:
        parts = member.filename.replace("\\", "/").split("/")
        if ".." in parts or not parts[0] or ":" in parts[0] or "\0" in member.orig_filename:
            raise RefusedError("E_ARCHIVE", "a member that would be written elsewhere")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise RefusedError("E_ARCHIVE", "a member that is a link")
        if member.filename.lower().endswith(_NESTED):
            raise RefusedError("E_ARCHIVE", "an archive inside the archive")
        if member.flag_bits & 1:
            raise RefusedError("E_ENCRYPTED", "an encrypted member")
    inflated = sum(member.file_size for member in members)
    if inflated > _MOST_INFLATED:
        raise RefusedError("E_PARSER_MEMORY", f"{inflated:,} bytes when unpacked, more than {_MOST_INFLATED:,}")
    if inflated > _SMALL and inflated > _MOST_RATIO * len(body):
        raise RefusedError("E_PARSER_MEMORY", f"a package that grows {inflated // len(body)} times")


def modern(body: bytes, kind: str = "docx") -> bytes:
    """A DOC, RTF or ODT file as DOCX, or an XLS file as XLSX.

    Raises: RefusedError where LibreOffice is absent or gives up.
    """
    program = shutil.which("soffice")
    if program is None:
        raise RefusedError("E_UNSUPPORTED", "an old office file, and no LibreOffice on this machine")
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder, "given.xls" if kind == "xlsx" else "given.doc")
        given.write_bytes(body)
        worker = str(Path(__file__).with_name("worker.py"))
        command = [sys.executable, "-I", worker, "--confine", program, f"-env:UserInstallation=file://{folder}/home",
                   "--headless", "--convert-to", kind, "--outdir", folder, str(given)]  # fmt: skip
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=90, cwd=folder)
            return Path(folder, f"given.{kind}").read_bytes()
        except subprocess.TimeoutExpired:
            raise RefusedError("E_PARSER_TIME", "an old office file that LibreOffice did not finish") from None
        except (subprocess.CalledProcessError, OSError):
            raise RefusedError("E_BAD_FILE", "an old office file that LibreOffice cannot read") from None
