"""Project: the package, said again in the formats that libraries, portals, statisticians and archivists read.

One descriptor, many files: nothing here is known that datapackage.json and the tables do not say, so a word is mended
once, in schemas/. Takes the folder of a staged package, adds files to it, and makes it a BagIt bag. Needs no library
but those that publishing needs. Leaves the tables, their usual formats and going live to publish, sending to deposit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from pipeline import errors
from pipeline.project import catalogues, cubes, lists, provenance
from pipeline.project.package import File, Package

__all__ = ["Package", "project"]


def project(folder: Path, home: Path) -> list[str]:
    """The names of the files that were added to the package in `folder`; equal packages get equal bytes.

    Shape: `home` is the checkout whose CITATION.cff may name a contact, which is kept.
    Raises: StorageError when the disk refuses.
    """
    added = []
    try:
        package = Package.of(folder, _contact(home))
        for writer in WRITERS:
            for name, content in writer(package):
                (folder / name).parent.mkdir(exist_ok=True)
                (folder / name).write_bytes(content)
                added.append(name)
    except OSError as error:
        raise errors.StorageError(
            f"{Path(str(error.filename or 'the disk')).name}: {error.strerror or 'the disk refused'} while writing the "
            "other formats. Nothing was published, the last release still stands. "
            "Make room or mend the disk, then run publish again."
        ) from error
    return added


def _contact(home: Path) -> Any:
    """Whom the CITATION.cff of a checkout names, () where it names nobody."""
    cited = home / "CITATION.cff"
    said = yaml.safe_load(cited.read_text(encoding="utf-8")) if cited.is_file() else None
    return said.get("contact", ()) if isinstance(said, dict) else ()


def _bag(package: Package) -> Iterator[File]:
    """What makes the folder a bag (RFC 8493), written last: the payload is data/, every other file a tag file."""
    files = sorted(path for path in package.folder.rglob("*") if path.is_file())
    digests = {path.relative_to(package.folder).as_posix(): hashlib.sha256(path.read_bytes()) for path in files}
    payload = sorted(name for name in digests if name.startswith("data/"))
    size = sum((package.folder / name).stat().st_size for name in payload)
    told = package.told
    tags = {
        "bagit.txt": "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
        "bag-info.txt": f"Bagging-Date: {package.day}\nExternal-Identifier: {package.id or told['name']}\n"
        f"External-Description: {told['title']}, version {told['version']}\nPayload-Oxum: {size}.{len(payload)}\n",
        "manifest-sha256.txt": "".join(f"{digests.pop(name).hexdigest()}  {name}\n" for name in payload),
    }
    digests |= {name: hashlib.sha256(content.encode()) for name, content in tags.items()}
    tags["tagmanifest-sha256.txt"] = "".join(f"{one.hexdigest()}  {name}\n" for name, one in sorted(digests.items()))
    yield from ((name, content.encode()) for name, content in tags.items())


WRITERS: Final = (catalogues.files, lists.files, cubes.files, provenance.files, _bag)
