"""Runs a bench for an instant and checks what it writes, never how fast it was.

Usage: check_report.py PROGRAM NAME [OPTION...]

PROGRAM is started without peers, for one round or with the options;
NAME.json and NAME.svg must then be what bench/README.md says.
"""
import json
import numbers
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

FIELDS = {
    "measure": (str,), "value": (numbers.Real, None), "unit": (str,), "peer": (str, None),
    "peer_value": (numbers.Real, None), "ratio": (numbers.Real, None),
    "goal": (numbers.Real, None), "ok": (bool, None), "goal_of": (str, None), "note": (str,),
}


def wrong_in(row):
    """What is wrong with a row, or None."""
    if set(row) != set(FIELDS):
        return f"fields {sorted(row)}"
    for field, kinds in FIELDS.items():
        value = row[field]
        if not (value is None and None in kinds or
                isinstance(value, tuple(kind for kind in kinds if kind))):
            return f"{field} is {value!r}"
    if row["value"] is None and not row["note"]:
        return "no value, and no reason for it"
    if row["peer"] and row["peer_value"] is None and not row["note"]:
        return "a peer without a value, and no reason for it"
    if (row["goal"] is None) != (row["goal_of"] is None):
        return "a goal of nothing"
    return None


def main():
    program, name, *options = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([program, *(options or ["--rounds", "1"]), "--no-peers", "--out", folder],
                       check=True, stdout=subprocess.DEVNULL)
        rows = json.loads((pathlib.Path(folder) / f"{name}.json").read_text(encoding="utf-8"))
        xml.etree.ElementTree.parse(pathlib.Path(folder) / f"{name}.svg")
    faults = [f"{row.get('measure')}: {fault}" for row in rows if (fault := wrong_in(row))]
    print("\n".join(faults) or f"{name}: {len(rows)} rows, all well formed")
    sys.exit(bool(faults) or not rows)


if __name__ == "__main__":
    main()
