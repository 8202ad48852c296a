"""Our own rules of style, as far as a program can hold them.

Usage: tidy.py [ROOT]

Prints FILE:LINE, what is wrong and what to do instead; exits 1 when anything is. Warnings do not
fail: they are about length, which sometimes has a reason.
"""
import pathlib
import re
import sys

from tree import ROOT, files

LINE_LENGTH = 100
SOURCE_LINES, SOURCE_LINES_WARNED = 800, 400
HEADER_LINES_WARNED = 150
FUNCTION_LINES_WARNED = 60
ROOM_FILES = ("README.md", "CMakeLists.txt")

CODE = {".cpp", ".hpp", ".py", ".cjs", ".cmake", ".proto", ".sh"}
CODE_NAMES = {"Makefile", "CMakeLists.txt", "bootstrap", "run"}

# What must not be called in C++ -> where it may all the same, and what to write instead.
BANNED = [
    (r"\bstd::rand\b|(?<![\w.:>])s?rand\s*\(", (), "take Random& (base/ports.hpp)"),
    (r"(?<![\w.:>])(std::)?system\s*\(", (), "use os/process.hpp: no shell"),
    (r"(?<![\w.:>])(std::)?gets\s*\(", (), "use std::getline"),
    (r"(?<![\w.:>])(std::)?str(cpy|cat)\s*\(", (), "use std::string"),
    (r"(?<![\w.:>])(std::)?v?sprintf\s*\(", (), "use std::to_string or std::snprintf"),
    (r"\bstd::random_device\b", ("os",), "take Random& (base/ports.hpp)"),
    (r"\b(default_random_engine|mt19937(_64)?|random_shuffle|std::shuffle|"
     r"uniform_(int|real)_distribution)\b", ("fuzz",),
     "use SeededRandom (base/random.hpp): the same everywhere"),
    (r"\b(system_clock|high_resolution_clock)::now\b", ("os", "tests"),
     "take Clock& (base/ports.hpp)"),
    (r"\bsteady_clock::now\b|\busing std::chrono::steady_clock\b", ("os", "net", "tests", "bench"),
     "take Clock& (base/ports.hpp); only net times real sockets"),
    (r"\bsleep_(for|until)\b|\b(u|nano)sleep\s*\(|(?<!\w)::sleep\s*\(", ("os", "tests"),
     "use Clock::sleep, or wait for what is waited for"),
    (r"\bstd::(cout|cerr|clog)\b", ("cli", "bench"),
     "return values; log with base/log.hpp; only cli speaks to the terminal"),
    (r"\busing namespace std\b(?!::)", (), "name what is used"),
    (r"\bstd::regex\b", ("tests",), "parse by hand: std::regex recurses on its input"),
]
# Marks of unfinished work. Written in pieces, so that this file does not find itself.
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
# Paths of one person's machine.
MACHINE_PATH = re.compile(r"(?<![\w.~$}/-])/(ho" r"me/\w|ro" r"ot/|wo" r"rk/|Us" r"ers/\w)|\bC:\\")
# What builds names no host: package managers know where their packages are.
BUILD_FILE = re.compile(r"^(scripts/|cmake/|\.ci/|Makefile$|packaging/|.*CMakeLists\.txt$|"
                        r"CMakePresets\.json$|.*package(-lock)?\.json$|.*\.npmrc$)")
HOST = re.compile(r"\b(https?|git|ssh|ftp)://(?!127\.|localhost|\[::1\])[\w[]|"
                  r"--(registry|index-url)\b")
LOCKED_HOST = re.compile(r'"resolved"\s*:')  # a lock file's other addresses are for people

CONTROL = re.compile(r"^\s*(if|else|for|while|switch|do|try|catch|namespace|class|struct|enum|"
                     r"union|extern|static_assert|return|using)\b")


def blank_comments_and_strings(text):
    """C++ with the contents of comments and literals as spaces; lines stay where they are."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match[0])
    return re.sub(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(\\.|[^"\\\n])*"|'
                  r"(?<![\w'])'(\\.|[^'\\\n])+'", blank, text, flags=re.DOTALL)


def functions(lines):
    """(first line, length) of each function body that starts at column 0 or inside a class."""
    for at, line in enumerate(lines):
        if not line.endswith("{"):
            continue
        # Up to where the signature begins: over unclosed parameters and initialiser lists.
        first, head = at, line
        while first > 0 and (head.count(")") > head.count("(") or
                             head.lstrip().startswith((":", ","))):
            first -= 1
            head = lines[first] + " " + head
        indent = len(head) - len(head.lstrip())
        if indent > 4 or ")" not in head or head.count("(") != head.count(")") or \
                "=" in head.split("(")[0] or CONTROL.match(head) or head.lstrip()[0] in "}#{":
            continue
        for end in range(at + 1, len(lines)):
            if lines[end].startswith(" " * indent + "}"):
                yield first + 1, end - first + 1
                break


def is_excepted(path, where):
    """Whether `where` names the file's room or kind."""
    parts = pathlib.PurePath(path).parts
    if "tests" in where and (parts[0] == "tests" or re.search(r"_test\.[ch]pp$|^test_", parts[-1])):
        return True
    if "bench" in where and (parts[0] == "bench" or re.search(r"_bench\.[ch]pp$", parts[-1])):
        return True
    if parts[0] == "src":
        return parts[1] in where
    return parts[0] in where or parts[0] == "examples"


def check_cpp(path, text, fail, warn):
    lines = blank_comments_and_strings(text).splitlines()
    for number, line in enumerate(lines, 1):
        for pattern, where, instead in BANNED:
            if (found := re.search(pattern, line)) and not is_excepted(path, where):
                fail(path, number, f"{found[0].strip('( ')} is banned here", instead)
    if len(lines) > SOURCE_LINES:
        fail(path, len(lines), f"{len(lines)} lines, over {SOURCE_LINES}", "split it by idea")
    elif len(lines) > SOURCE_LINES_WARNED:
        warn(path, len(lines), f"{len(lines)} lines, over {SOURCE_LINES_WARNED}")
    elif path.endswith(".hpp") and len(lines) > HEADER_LINES_WARNED:
        warn(path, len(lines), f"a header of {len(lines)} lines, over {HEADER_LINES_WARNED}")
    for first, length in functions(lines):
        if length > FUNCTION_LINES_WARNED:
            warn(path, first, f"a function of {length} lines, over {FUNCTION_LINES_WARNED}")


def check_text(path, text, fail):
    file = pathlib.PurePath(path)
    code = file.suffix in CODE or file.name in CODE_NAMES
    for number, line in enumerate(text.splitlines(), 1):
        if code and len(line) > LINE_LENGTH:
            fail(path, number, f"{len(line)} columns, over {LINE_LENGTH}", "break the line")
        if found := UNFINISHED.search(line):
            fail(path, number, f"{found[0]} is a debt", "do it now, or file an issue")
        if found := MACHINE_PATH.search(line):
            fail(path, number, f"{found[0]}... is a path of one machine",
                 "make it relative, or take it as an argument")
        host = LOCKED_HOST if file.name == "package-lock.json" else HOST
        if BUILD_FILE.match(path) and (found := host.search(line)):
            fail(path, number, f"{found[0]} names a host",
                 "fetch by package name with the ordinary client")


def check_rooms(root, fail):
    rooms = {file.relative_to(root / "src").parts[0] for file in (root / "src").glob("*/*")}
    for folder in sorted(root / "src" / room for room in rooms):
        for name in ROOM_FILES:
            if not (folder / name).exists():
                fail(f"src/{folder.name}/{name}", 1, "is missing", "every room has one")


def check(root):
    """(failures, warnings) under `root`, each a list of lines."""
    root = pathlib.Path(root).resolve()
    failures, warnings = [], []

    def fail(path, line, what, instead):
        failures.append(f"{path}:{line}: {what}; {instead}")

    def warn(path, line, what):
        warnings.append(f"{path}:{line}: warning: {what}")

    for file in files(root):
        path = file.relative_to(root).as_posix()
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture or another binary
        check_text(path, text, fail)
        if file.suffix in (".cpp", ".hpp"):
            check_cpp(path, text, fail, warn)
    check_rooms(root, fail)
    return failures, warnings


def main():
    failures, warnings = check(sys.argv[1] if len(sys.argv) > 1 else ROOT)
    for line in warnings + failures:
        print(line)
    print(f"tidy: {len(failures)} failures" if failures else "tidy: clean",
          f"({len(warnings)} warnings)" if warnings else "")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
