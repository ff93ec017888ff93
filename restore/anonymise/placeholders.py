"""Small files that stand for documents: each opens as what its original was. Pure.

One a type: their number does not grow with the documents'. The same bytes in every copy.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

TEXT: Final = "This document was replaced when the copy was anonymised."

OTHER: Final = "other"
"""What stands for types that are not known: a text."""

_JPEG: Final = (
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9VXVtqeJmBanGQ"
    "c1tdhbWGkJ6jq62rZ4C8ybqmx5moq6T/wAALCAAQABABAREA/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcI"
    "CQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcY"
    "GRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKj"
    "pKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/9oACAEBAAA/ANOi"
    "iiv/2Q=="
)
_GIF: Final = "R0lGODlhAQABAIAAAMDAwAAAACwAAAAAAQABAAACAkQBADs="
_WEBP: Final = "UklGRh4AAABXRUJQVlA4TBEAAAAvAAAAAAdQ4AIXuP+BiOh/AAA="
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006"
_OPENXML: Final = "application/vnd.openxmlformats-officedocument"
_OPENDOCUMENT: Final = "application/vnd.oasis.opendocument"


@dataclass(frozen=True, slots=True)
class Placeholder:
    """The file of a type; ``words`` is what a search finds in it, None for what holds no text."""

    type: str
    content: bytes
    words: str | None

    @property
    def checksum(self) -> str:
        """Its SHA-1, by which Odoo names it."""
        return hashlib.sha1(self.content).hexdigest()  # noqa: S324 - Odoo names its files so

    @property
    def md5(self) -> str:
        """Its MD5, by which Tryton names it."""
        return hashlib.md5(self.content).hexdigest()  # noqa: S324 - Tryton names its files so

    @property
    def file(self) -> str:
        """Where it lies in Odoo's tree of documents."""
        return f"{self.checksum[:2]}/{self.checksum}"


@cache
def placeholders() -> Mapping[str, Placeholder]:
    """Every placeholder, by its type."""
    texts = _texts()
    contents = {**{name: text.encode() for name, text in texts.items()}, **_binaries()}
    return {
        name: Placeholder(name, content, TEXT if name in texts else None)
        for name, content in contents.items()
    }


def _texts() -> dict[str, str]:
    html = (
        f"<!DOCTYPE html>\n<html><head><title>-</title></head><body><p>{TEXT}</p></body></html>\n"
    )
    return {
        OTHER: TEXT + "\n",
        "csv": f'"text"\n"{TEXT}"\n',
        "html": html,
        "xml": f'<?xml version="1.0" encoding="UTF-8"?>\n<text>{TEXT}</text>\n',
        "json": f'{{"text": "{TEXT}"}}\n',
        "svg": '<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16">'
        '<rect width="16" height="16" fill="#c0c0c0"/></svg>\n',
        "eml": "From: nobody@anonymous.invalid\r\nTo: nobody@anonymous.invalid\r\nSubject: -\r\n"
        f"Date: Thu, 01 Jan 1970 00:00:00 +0000\r\n\r\n{TEXT}\r\n",
        "rtf": f"{{\\rtf1\\ansi {TEXT}}}\n",
        "ics": "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//pra//EN\r\nEND:VCALENDAR\r\n",
        "vcf": "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:-\r\nN:-;;;;\r\nEND:VCARD\r\n",
    }


def _binaries() -> dict[str, bytes]:
    png = _png()
    return {
        "pdf": _pdf(),
        "png": png,
        "jpeg": base64.b64decode(_JPEG),
        "gif": base64.b64decode(_GIF),
        "webp": base64.b64decode(_WEBP),
        # One picture, which is a PNG, as icons may hold.
        "ico": struct.pack("<HHHBBBBHHII", 0, 1, 1, 16, 16, 0, 0, 1, 8, len(png), 22) + png,
        "docx": _docx(),
        "xlsx": _xlsx(),
        "odt": _opendocument("text", f"<office:text><text:p>{TEXT}</text:p></office:text>"),
        "ods": _opendocument(
            "spreadsheet",
            '<office:spreadsheet><table:table table:name="-"><table:table-row><table:table-cell>'
            f"<text:p>{TEXT}</text:p></table:table-cell></table:table-row></table:table>"
            "</office:spreadsheet>",
        ),
        "zip": _zip({"placeholder.txt": TEXT + "\n"}),
        "gzip": gzip.compress(TEXT.encode() + b"\n", mtime=0),
    }


def _pdf() -> bytes:
    page = f"BT /F1 12 Tf 56 780 Td ({TEXT}) Tj ET".encode()
    bodies = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R"
        b"/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(page), page),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    )
    content, offsets = b"%PDF-1.4\n", list[int]()
    for number, body in enumerate(bodies, 1):
        offsets.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    entries = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return content + (
        b"xref\n0 %d\n0000000000 65535 f \n%s"
        b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n"
        % (len(bodies) + 1, entries, len(bodies) + 1, len(content))
    )


def _png() -> bytes:
    """A grey square of 16 by 16."""
    rows = (b"\0" + b"\xc0" * 16) * 16
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", 16, 16, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows, 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


def _zip(files: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), text)
    return buffer.getvalue()


def _openxml(main: str, content_type: str, files: Mapping[str, str]) -> bytes:
    """An Office document; ``files`` are its parts, the first of which is overridden in its type."""
    types = "".join(
        f'<Override PartName="/{name}" ContentType="{_OPENXML}.{content_type.format(kind)}+xml"/>'
        for name, kind in (
            (main, "main"),
            *((name, "worksheet") for name in files if "sheets/" in name),
        )
    ).replace("sheet.worksheet", "worksheet")
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    return _zip(
        {
            "[Content_Types].xml": f'{head}<Types xmlns="{_PACKAGE}/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.'
            'relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>'
            f"{types}</Types>",
            "_rels/.rels": f'{head}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship '
            f'Id="r1" Type="{_OFFICE}/relationships/officeDocument" Target="{main}"/>'
            "</Relationships>",
            **{name: head + text for name, text in files.items()},
        }
    )


def _docx() -> bytes:
    name_space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    return _openxml(
        "word/document.xml",
        "wordprocessingml.document.{}",
        {
            "word/document.xml": f'<w:document xmlns:w="{name_space}"><w:body><w:p><w:r>'
            f"<w:t>{TEXT}</w:t></w:r></w:p></w:body></w:document>"
        },
    )


def _xlsx() -> bytes:
    name_space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return _openxml(
        "xl/workbook.xml",
        "spreadsheetml.sheet.{}",
        {
            "xl/workbook.xml": f'<workbook xmlns="{name_space}" xmlns:r="{_OFFICE}/relationships">'
            '<sheets><sheet name="-" sheetId="1" r:id="r1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
            f'<Relationship Id="r1" Type="{_OFFICE}/relationships/worksheet" '
            'Target="worksheets/sheet1.xml"/></Relationships>',
            "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{name_space}"><sheetData><row r="1">'
            f'<c r="A1" t="inlineStr"><is><t>{TEXT}</t></is></c></row></sheetData></worksheet>',
        },
    )


def _opendocument(kind: str, body: str) -> bytes:
    media, names = f"{_OPENDOCUMENT}.{kind}", "urn:oasis:names:tc:opendocument:xmlns"
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return _zip(
        {
            "mimetype": media,
            "META-INF/manifest.xml": f"{head}<manifest:manifest"
            f' xmlns:manifest="{names}:manifest:1.0"'
            f' manifest:version="1.2"><manifest:file-entry manifest:full-path="/"'
            f' manifest:media-type="{media}"/><manifest:file-entry'
            ' manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
            "</manifest:manifest>",
            "content.xml": f'{head}<office:document-content xmlns:office="{names}:office:1.0"'
            f' xmlns:text="{names}:text:1.0" xmlns:table="{names}:table:1.0" office:version="1.2">'
            f"<office:body>{body}</office:body></office:document-content>",
        }
    )


TYPE_KEYS: Final[Mapping[str, str]] = {
    key: type_
    for type_, keys in {
        "pdf": "application/pdf application/x-pdf .pdf",
        "png": "image/png .png",
        "jpeg": "image/jpeg image/jpg image/pjpeg .jpg .jpeg",
        "gif": "image/gif .gif",
        "webp": "image/webp .webp",
        "ico": "image/x-icon image/vnd.microsoft.icon .ico",
        "svg": "image/svg+xml .svg",
        "csv": "text/csv .csv",
        "html": "text/html application/xhtml+xml .html .htm",
        "xml": "text/xml application/xml .xml",
        "json": "application/json .json",
        "eml": "message/rfc822 .eml",
        "rtf": "application/rtf text/rtf .rtf",
        "ics": "text/calendar .ics",
        "vcf": "text/vcard text/x-vcard .vcf",
        "docx": f"{_OPENXML}.wordprocessingml.document .docx",
        "xlsx": f"{_OPENXML}.spreadsheetml.sheet .xlsx",
        "odt": f"{_OPENDOCUMENT}.text .odt",
        "ods": f"{_OPENDOCUMENT}.spreadsheet .ods",
        "zip": "application/zip application/x-zip-compressed .zip",
        "gzip": "application/gzip application/x-gzip .gz",
        OTHER: "text/plain .txt .log .md",
    }.items()
    for key in keys.split()
}
"""Which type a media type, or the ending of a name (``.pdf``), asks for."""
