"""Holds every #include under src/ to the arrows of the architecture.

Usage: layering.py [ROOT]

Rules, from cmake/floors.txt and each room's `room(NAME DEPS ...)` line:
- a room includes itself and the rooms in its DEPS; tests also those in its TEST_DEPS;
- DEPS stand on lower floors; tests may use any lower room or neighbour;
- only the rooms in ASSEMBLERS may depend on `os` outside of tests;
- generated proto headers and the outside libraries of LIBRARIES are included only where that table
  says.
Prints FILE:LINE, what is forbidden and how to put it right; exits 1 when anything is.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Rooms that build real clocks and disks.
ASSEMBLERS = {"cli"}

# Pattern of an outside header -> where it may be included (rooms, or folders of one), and why only
# there. Headers that match nothing are free.
LIBRARIES = [
    (r"mutirao/v1/|google/protobuf/", {"node", "cli", "sim"},
     "protobuf is for calls only; rooms below speak in value types"),
    (r"grpcpp?/", {"net"}, "gRPC sits behind the Network port; a header costs seconds to compile"),
    (r"boost/(asio|beast)", {"net"}, "sockets belong to net"),
    (r"boost/json", {"crypto", "model", "gateway", "cli"},
     "JSON is read and written at the edges, and where a file format demands it: wallets (crypto) "
     "and safetensors (model)"),
    (r"boost/", set(), "no other part of Boost is a dependency of the project"),
    (r"torch/|ATen/|c10/|caffe2/", {"model/plugin"},
     "libtorch is opened at run time, by computing roles only"),
    (r"cblas\.h", {"model/nano"}, "matrix products go through model/nano/matrix.hpp"),
    (r"(png|turbojpeg|zlib)\.h", {"dataset"}, "pictures are read in dataset alone"),
    (r"openssl/|secp256k1|blst", {"crypto"}, "cryptography has one home"),
    (r"CLI/", {"cli"}, "the command line belongs to cli"),
    (r"toml\+\+/", {"cli"}, "runs are files for people; rooms get settings"),
    (r"tl/expected", {"base", "gateway"},
     "Result<T> is base's; gateway pairs values with OpenAI's own errors"),
    (r"sys/mman\.h", {"os", "coding/row_buffer.cpp"},
     "memory is the allocator's; only rows ask for huge pages"),
    (r"(sys|netinet|arpa)/|(unistd|fcntl|poll|termios|dirent|netdb|signal)\.h|csignal",
     {"os", "net", "cli"}, "the machine is reached through the ports of base/ports.hpp"),
    (r"dlfcn\.h", {"model"}, "only model opens a plug-in"),
    (r"filesystem$|fstream$", {"os", "cli", "model/torch_backend.cpp"},
     "files are reached through the Disk port; model looks for its plug-in beside the program"),
    (r"iostream$", {"cli"}, "only cli speaks to the terminal; rooms return values and log"),
    (r"random$|ctime$|time\.h$", set(), "chance and time arrive as Random and Clock"),
]
# What tests, fuzz targets and benches may include besides.
TEST_LIBRARIES = r"(png|turbojpeg|zlib)\.h|boost/json|openssl/|blst|(sys|netinet|arpa)/|" \
                 r"(unistd|fcntl|poll|signal)\.h|filesystem$|fstream$|iostream$|tl/expected"

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
KEYWORDS = {"DEPS", "LIBRARIES", "TEST_DEPS", "TEST_LIBRARIES"}


class Room:
    """A room's declaration: its arrows and where they are written."""

    def __init__(self, file, line, words):
        self.file, self.line = file, line
        self.deps, self.test_deps = set(), set()
        keyword = None
        for word in words:
            if word in KEYWORDS:
                keyword = word
            elif keyword == "DEPS":
                self.deps.add(word)
            elif keyword == "TEST_DEPS":
                self.test_deps.add(word)


def is_test(file):
    return bool(re.search(r"_(test|fuzz|bench)\.[ch]pp$", file.name)) or \
        file.name.startswith("test_")


def read_floors(root):
    floors = {}
    for line in (root / "cmake/floors.txt").read_text().splitlines():
        words = line.split()
        if words and words[0].isdigit():
            floors.update((name, int(words[0])) for name in words[1:])
    return floors


def read_rooms(root, floors, report):
    rooms = {}
    for folder in sorted({p.parent for p in (root / "src").glob("*/*")}):
        name, file = folder.name, folder / "CMakeLists.txt"
        text = file.read_text() if file.exists() else ""
        found = re.search(r"^room\(\s*(\w+)([^)]*)\)", text, re.MULTILINE)
        if not found or found[1] != name:
            report(file, 1, f"there is no room({name} ...) line",
                   "declare the room (cmake/room.cmake)")
            continue
        line = text[:found.start()].count("\n") + 1
        if name not in floors:
            report(file, line, f"room {name} stands on no floor", "put it into cmake/floors.txt")
            continue
        rooms[name] = Room(file, line, found[2].split())
    return rooms


def check_arrows(name, room, floors, report):
    for dep in sorted(room.deps | room.test_deps):
        if dep not in floors:
            report(room.file, room.line, f"{name} depends on {dep}, which is no room",
                   "take it out, or add the room to cmake/floors.txt")
        elif dep in room.deps and floors[dep] >= floors.get(name, 0):
            report(room.file, room.line,
                   f"{name} (floor {floors.get(name)}) depends on {dep} (floor {floors[dep]})",
                   "arrows point down: move what both need to a lower floor, or declare the port "
                   f"in {name} and let node connect it")
        elif dep in room.test_deps and floors[dep] > floors.get(name, 0):
            report(room.file, room.line, f"tests of {name} use {dep}, which stands higher",
                   "move the test to the higher room, or to tests/")
    if "os" in room.deps and name not in ASSEMBLERS:
        report(room.file, room.line, f"{name} depends on os",
               "take Clock, Random and Disk by reference; only cli builds real ones")


def check_outside(name, file, line, header, report):
    place = f"{name}/" + file.as_posix().rsplit(f"/src/{name}/", 1)[1]
    for pattern, allowed, reason in LIBRARIES:
        if not re.match(pattern, header):
            continue
        if any(place == a or place.startswith(a + "/") for a in allowed):
            return
        if is_test(file) and re.match(TEST_LIBRARIES, header):
            return
        homes = ", ".join(sorted(allowed)) or "nowhere"
        report(file, line, f"{name} includes {header}, allowed in: {homes}", reason)
        return


def check_include(name, room, floors, file, line, quote, header, report):
    first = header.split("/")[0]
    if quote == "<" or header.startswith("mutirao/"):
        check_outside(name, file, line, header, report)
        if quote == "<" and first in floors and "/" in header and header.endswith(".hpp"):
            report(file, line, f"<{header}> is a header of ours", f'write #include "{header}"')
    elif "/" not in header or header.startswith("."):
        report(file, line, f'"{header}" does not start at src/',
               f'write #include "{name}/{header.split("/")[-1]}"')
    elif first == "fuzz":
        if not file.name.endswith("_fuzz.cpp"):
            report(file, line, f"{name} includes {header}", "only *_fuzz.cpp may")
    elif first not in floors:
        report(file, line, f"{name} includes {header}, and {first} is no room",
               "include outside libraries with < >")
    elif first == name:
        if not is_test(file) and is_test(pathlib.PurePath(header)):
            report(file, line, f"{file.name} includes the test header {header}",
                   "move what it needs out of the test header")
    elif first not in room.deps and not (is_test(file) and first in room.test_deps):
        fix = f"add {first} to the TEST_DEPS" if is_test(file) else \
            f"do without, or, as a design decision (docs/decisions/), add {first} to the DEPS"
        report(file, line, f"{name} may not include {header}",
               f"{fix} of src/{name}/CMakeLists.txt")


def check(root):
    """All violations under `root`, each one line: FILE:LINE: what (fix)."""
    root = pathlib.Path(root).resolve()
    violations = []

    def report(file, line, what, fix):
        violations.append(f"{file.relative_to(root)}:{line}: {what}; {fix}")

    floors = read_floors(root)
    rooms = read_rooms(root, floors, report)
    for name, room in rooms.items():
        check_arrows(name, room, floors, report)
        for file in sorted((root / "src" / name).rglob("*.[ch]pp")):
            for number, text in enumerate(file.read_text(errors="replace").splitlines(), 1):
                if found := INCLUDE.match(text):
                    check_include(name, room, floors, file, number, *found.groups(), report)
    return violations


def main():
    violations = check(sys.argv[1] if len(sys.argv) > 1 else ROOT)
    for violation in violations:
        print(violation)
    print(f"layering: {len(violations)} forbidden" if violations else "layering: clean")
    sys.exit(bool(violations))


if __name__ == "__main__":
    main()
