"""Prints how many lines of each room the tests reached. Usage: coverage.py BUILD_FOLDER"""
import collections
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def reached(data_files):
    """{(file, line): whether any run reached it} of our sources."""
    lines = collections.defaultdict(bool)
    for data in data_files:
        told = subprocess.run(["gcov", "--json-format", "--stdout", data.name], cwd=data.parent,
                              capture_output=True, text=True, check=True).stdout
        for document in filter(None, told.splitlines()):
            report = json.loads(document)
            for file in report["files"]:
                path = (pathlib.Path(report["current_working_directory"]) / file["file"]).resolve()
                if not path.is_relative_to(ROOT / "src") or path.stem.endswith(("_test", "_fuzz")):
                    continue
                name = path.relative_to(ROOT / "src").as_posix()
                for line in file["lines"]:
                    lines[name, line["line_number"]] |= line["count"] > 0
    return lines


def main():
    lines = reached(sorted(pathlib.Path(sys.argv[1]).resolve().rglob("*.gcda")))
    if not lines:
        sys.exit("coverage: no data; run the tests of a coverage build first")
    rooms = collections.defaultdict(lambda: [0, 0])
    for (file, _), was_reached in lines.items():
        for name in (file.split("/")[0], "all"):
            rooms[name][0] += was_reached
            rooms[name][1] += 1
    for name, (count, total) in sorted(rooms.items(), key=lambda room: (room[0] == "all", room)):
        print(f"{name:12} {count:6} of {total:6} lines  {100 * count / total:5.1f} %")


if __name__ == "__main__":
    main()
