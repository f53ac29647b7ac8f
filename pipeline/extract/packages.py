"""Inside the child: the XML members of an office package, as lxml trees without document types or entities."""

from __future__ import annotations

import zipfile
from io import BytesIO
from typing import Any, Final

from lxml import etree

from pipeline.extract.refusals import RefusedError

_PARSER: Final = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
_DOCTYPES: Final = tuple("<!DOCTYPE".encode(charset) for charset in ("utf-8", "utf-16-le", "utf-16-be"))


class Package:
    """A zip of XML files. Raises: RefusedError for a document type in any of them, or a torn member."""

    def __init__(self, body: bytes) -> None:
        self._zip = zipfile.ZipFile(BytesIO(body))
        self.names = set(self._zip.namelist())
        for name in self.names:
            if name.lower().endswith((".xml", ".rels", ".vml")) and any(mark in self.bytes(name) for mark in _DOCTYPES):
                raise RefusedError("E_DTD", "a document type inside the package")

    def bytes(self, name: str) -> bytes:
        """A member's bytes."""
        try:
            return self._zip.read(name)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise RefusedError("E_BAD_FILE", "a member that is torn") from error

    def tree(self, name: str) -> Any:
        """A member's root element, None where there is no such member."""
        if name not in self.names:
            return None
        try:
            return etree.fromstring(self.bytes(name), _PARSER)
        except etree.XMLSyntaxError:
            raise RefusedError("E_BAD_FILE", "a member that is not XML, or nested beyond reason") from None
