"""Documents that hang together.

Usage: documents.py [ROOT]

Every Markdown file begins with its one title, and every relative link in it leads to a file, and to
a heading when it names one. Prints FILE:LINE and what is wrong; exits 1 when anything is.
"""
import pathlib
import re
import sys

from tree import ROOT, files

LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)>\s]+)>?(?:\s+\"[^\"]*\")?\s*\)")
OUTSIDE = re.compile(r"^[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def prose(text):
    """(line number, line) outside of code blocks, with code spans blanked."""
    fence = None
    for number, line in enumerate(text.splitlines(), 1):
        if mark := re.match(r"^\s*(```+|~~~+)", line):
            if fence is None:
                fence = mark[1]
            elif mark[1].startswith(fence):
                fence = None
            continue
        if fence is None:
            yield number, re.sub(r"(`+).*?\1", lambda span: " " * len(span[0]), line)


def headings(text):
    """The anchors of a document, as its headings are usually turned into them."""
    anchors = set()
    for line in text.splitlines():
        if found := re.match(r"^#{1,6}\s+(.*)", line):
            words = re.sub(r"[`*]|\[|\]\([^)]*\)", "", found[1]).strip().lower()
            anchors.add(re.sub(r"[^\w\- ]", "", words).replace(" ", "-"))
    return anchors


def check_link(root, file, target):
    """What is wrong with a link, or None."""
    path, _, anchor = target.partition("#")
    destination = (file.parent / path).resolve() if path else file
    if path.startswith("/") or not destination.is_relative_to(root):
        return f"the link {target} leaves the project"
    if not destination.exists():
        return f"the link {target} leads nowhere"
    if anchor and destination.suffix == ".md" and \
            anchor not in headings(destination.read_text(encoding="utf-8")):
        return f"{destination.relative_to(root)} has no heading #{anchor}"
    return None


def check(root):
    """All violations under `root`, one line each."""
    root = pathlib.Path(root).resolve()
    violations = []
    for file in files(root):
        if file.suffix != ".md":
            continue
        path = file.relative_to(root).as_posix()
        text = file.read_text(encoding="utf-8")
        titles = [number for number, line in prose(text) if line.startswith("# ")]
        if titles != [1]:
            line = titles[1] if len(titles) > 1 else 1
            violations.append(f"{path}:{line}: a document begins with its one # title")
        for number, line in prose(text):
            for target in LINK.findall(line):
                if not OUTSIDE.match(target) and (wrong := check_link(root, file, target)):
                    violations.append(f"{path}:{number}: {wrong}")
    return violations


def main():
    violations = check(sys.argv[1] if len(sys.argv) > 1 else ROOT)
    for violation in violations:
        print(violation)
    print(f"documents: {len(violations)} failures" if violations else "documents: clean")
    sys.exit(bool(violations))


if __name__ == "__main__":
    main()
