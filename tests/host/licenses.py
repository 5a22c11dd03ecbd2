# SPDX-License-Identifier: GPL-2.0-only
"""Print the files that have no SPDX line and are not named in REUSE.toml."""
import fnmatch
import os
import subprocess
import tomllib

TAG = b"SPDX-License-Identifier:" + b" GPL-2.0-only"


def main() -> None:
    files = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"],
                           check=True, capture_output=True, text=True).stdout.split("\n")
    with open("REUSE.toml", "rb") as f:
        patterns = [path for entry in tomllib.load(f)["annotations"] for path in entry["path"]]
    for name in filter(os.path.isfile, files):
        if name.startswith("LICENSES/") or any(
                fnmatch.fnmatch(name, p) and name.count("/") == p.count("/") for p in patterns):
            continue
        with open(name, "rb") as f:
            if TAG not in f.read(2000):
                print(name)


main()
