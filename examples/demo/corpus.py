"""Plain text of two real Portuguese corpora that Debian packages install, read in place."""
import html.parser
import pathlib

CORPORA = {
    "manual do administrador Debian.txt":
        ("debian-handbook", "/usr/share/doc/debian-handbook/html/pt-BR"),
    "ajuda do LibreOffice.txt":
        ("libreoffice-help-pt-br", "/usr/share/libreoffice/help/pt-BR/text"),
}


class _Text(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.parts, self.skip = [], 0

    def handle_starttag(self, tag, attrs):
        self.skip += tag in ("script", "style", "head")

    def handle_endtag(self, tag):
        self.skip -= tag in ("script", "style", "head")

    def handle_data(self, data):
        if self.skip <= 0 and data.strip():
            self.parts.append(" ".join(data.split()))


def read(folder, bytes_max):
    """The folder's pages as one UTF-8 text of at most `bytes_max` bytes, in file order."""
    out = bytearray()
    for page in sorted(pathlib.Path(folder).rglob("*.html")):
        parser = _Text()
        parser.feed(page.read_text(encoding="utf-8", errors="replace"))
        out += ("\n".join(parser.parts) + "\n\n").encode()
        if len(out) >= bytes_max:
            break
    return bytes(out[:bytes_max]).decode("utf-8", errors="ignore").encode()
