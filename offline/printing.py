"""The system's libraries that print PDF documents; all else works without them."""

from __future__ import annotations

import ctypes
import ctypes.util
from typing import TYPE_CHECKING

from offline.host import SetupError
from offline.steps import Component

if TYPE_CHECKING:
    from offline.host import Host

# Each needs those that WeasyPrint loads beside it: HarfBuzz, fontconfig, GLib.
LIBRARIES = ("pango-1.0", "pangoft2-1.0")
PACKAGES = ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0")


class PrintingStep:
    """Installs Pango where that is possible, and says what is missing where it isn't."""

    name = "PDF printing"

    def probe(self, host: Host) -> list[Component] | None:
        found = [ctypes.util.find_library(library) for library in LIBRARIES]
        if None in found:
            return None
        pango = ctypes.CDLL(found[0])
        pango.pango_version_string.restype = ctypes.c_char_p
        version = pango.pango_version_string().decode()
        return [Component("Pango", version, "the system's", found[0] or "")]

    def make(self, host: Host) -> list[Component]:
        try:
            host.apt_install(PACKAGES, log="printing")
        except SetupError as error:
            # Set-up goes on: of all that follows, only a PDF asks for it, and says so again.
            return [Component("Pango", "missing, so no PDF", error.hint or error.message, "")]
        return self.probe(host) or []
