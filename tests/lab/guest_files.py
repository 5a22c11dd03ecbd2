# SPDX-License-Identifier: GPL-2.0-only
"""Files of the host that single cases need in their guest, too large for all others'."""
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from lab import building
from lab.booting import initramfs, libraries
from lab.kernels import TOP, Target

# {name in guest: file on host}
Files = dict[str, str | Path]

BEFORE = "0.1.0"
# whose programs the guest of "upgrade" has
PACKAGES = ("dash", "bash", "coreutils", "sed", "grep", "mawk", "findutils", "tar", "gzip",
            "xz-utils", "kmod", "dpkg", "diffutils", "dkms", "libc-bin", "util-linux",
            "debianutils")
DIRECTORIES = ("/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/usr/lib/dkms/", "/etc/dkms/")
# In place of the compiler: takes what the host has built of the version in dkms.conf.
MAKE = r"""#!/bin/sh
case $* in
*" modules"*) cp "/built/$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf).ko" scx_bypass_lb.ko ;;
esac
"""


def programs(*paths: str) -> Files:
    """Programs, with the libraries they need."""
    return {str(path): path for program in paths for path in (program, *libraries(program))}


def bpftrace(_target: Target, _kernel: Path) -> Files:
    # which calls the shell
    return programs("/usr/bin/bpftrace", "/bin/sh")


def output_of(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def is_program(path: str) -> bool:
    with open(path, "rb") as f:
        return f.read(4) == b"\x7fELF"


def debian() -> Files:
    """What dpkg and dkms need to run."""
    paths = ["/usr/bin/awk", "/usr/bin/strip", "/etc/os-release"]
    paths += [path for path in output_of("dpkg", "-L", *PACKAGES).splitlines()
              if path.startswith(DIRECTORIES) and Path(path).is_file()]
    files: Files = {path: path for path in paths}
    files.update(programs(*(path for path in paths if is_program(path))))
    return files


def make_packages(out: Path, version: str) -> Path:
    """Build them of the source as it is, but for the version. Returns their directory."""
    tree, packages = out / f"tree-{version}", out / f"packages-{version}"
    shutil.copytree(TOP, tree, ignore=shutil.ignore_patterns(".*", "tests", "*.o", "*.ko"))
    conf = tree / "dkms.conf"
    text = conf.read_text(encoding="utf-8")
    conf.write_text(text.replace(f'"{building.version()}"', f'"{version}"'), encoding="utf-8")
    building.logged(f"building packages of {version}",
                    ["make", "-C", tree, "deb", f"PACKAGES={packages}"],
                    out / f"packages-{version}.log")
    return packages


def upgrade(target: Target, kernel: Path) -> Files:
    version, release = building.version(), target.kernel.release
    made = building.output(target) / "upgrade"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    module = building.module_path(target).read_bytes()
    contents = {
        "/usr/bin/make": MAKE.encode(),
        "/versions": f"{BEFORE} {version}\n".encode(),
        "/var/lib/dpkg/status": output_of("dpkg-query", "-s", "dkms", "libc6").encode(),
        f"/built/{version}.ko": module,
        f"/built/{BEFORE}.ko": module.replace(version.encode(), BEFORE.encode()),
        f"/lib/modules/{release}/modules.order": b"",
        f"/lib/modules/{release}/modules.builtin": b"",
        f"/lib/modules/{release}/build/include/config/kernel.release": release.encode(),
    }
    files = debian()
    for nr, (name, data) in enumerate(contents.items()):
        file = made / str(nr)
        file.write_bytes(data)
        file.chmod(0o755)
        files[name] = file
    files[f"/lib/modules/{release}/build/.config"] = kernel / "build/.config"
    before, after = make_packages(made, BEFORE), make_packages(made, version)
    files["/before.deb"] = before / f"scx-bypass-lb-dkms_{BEFORE}_all.deb"
    files["/after.deb"] = after / f"scx-bypass-lb-dkms_{version}_all.deb"
    files["/tools.deb"] = after / f"scx-bypass-lb-tools_{version}_amd64.deb"
    return files


# which files for which cases
FILES: dict[str, Callable[[Target, Path], Files]] = {"bpftrace": bpftrace, "upgrade": upgrade}


def add_to(initrd: Path, case: str, target: Target, kernel: Path) -> Path:
    """Returns the initramfs for a case: this one, or a larger one."""
    if case not in FILES:
        return initrd
    path, only = (initrd.with_name(f"{initrd.name}-{case}{end}") for end in ("", "-only"))
    initramfs(FILES[case](target, kernel), only)
    # the kernel unpacks one archive behind the other
    with path.open("wb") as whole:
        for part in (initrd, only):
            with part.open("rb") as f:
                shutil.copyfileobj(f, whole)
    only.unlink()
    return path
