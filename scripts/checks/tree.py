"""The files that the checks look at."""
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
SKIP = {"build", "node_modules", "corpus", "vectors", "__pycache__", ".git"}


def files(root):
    """All files of the project under `root`: what git knows or would add, else what lies there."""
    listed = subprocess.run(["git", "-C", str(root), "ls-files", "-z", "--cached", "--others",
                             "--exclude-standard"], capture_output=True, check=False)
    if listed.returncode == 0:
        names = listed.stdout.decode().split("\0")
        found = [root / name for name in names if name]
    else:
        found = [pathlib.Path(folder) / name
                 for folder, _, names in os.walk(root) for name in names]
    return sorted({file for file in found
                   if file.is_file() and not SKIP & set(file.relative_to(root).parts)})
