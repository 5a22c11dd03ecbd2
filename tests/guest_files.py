# SPDX-License-Identifier: GPL-2.0-only
"""Files of the host that single cases need in their guest, too large for all others'."""
import os
import shutil
import subprocess

import build
import vm

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


def programs(*paths):
    """Programs, with the libraries they need."""
    return {path: path for program in paths for path in (program, *vm.libraries(program))}


def bpftrace(_target, _kernel):
    # which calls the shell
    return programs("/usr/bin/bpftrace", "/bin/sh")


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def is_program(path):
    with open(path, "rb") as f:
        return f.read(4) == b"\x7fELF"


def debian():
    """What dpkg and dkms need to run."""
    files = {path: path for path in ("/usr/bin/awk", "/usr/bin/strip", "/etc/os-release")}
    for path in output_of("dpkg", "-L", *PACKAGES).splitlines():
        if path.startswith(DIRECTORIES) and os.path.isfile(path):
            files[path] = path
    for path in list(files.values()):
        if is_program(path):
            files.update(programs(path))
    return files


def make_packages(out, version):
    """Build them of the source as it is, but for the version. Returns their directory."""
    tree, packages = (os.path.join(out, f"{name}-{version}") for name in ("tree", "packages"))
    shutil.copytree(build.TOP, tree, ignore=shutil.ignore_patterns(".*", "tests", "*.o", "*.ko"))
    conf = os.path.join(tree, "dkms.conf")
    with open(conf, encoding="utf-8") as f:
        text = f.read()
    with open(conf, "w", encoding="utf-8") as f:
        f.write(text.replace(f'"{build.version()}"', f'"{version}"'))
    build.logged(f"building packages of {version}",
                 ["make", "-C", tree, "deb", f"PACKAGES={packages}"],
                 os.path.join(out, f"packages-{version}.log"))
    return packages


def upgrade(target, kernel):
    out, version = build.output(target), build.version()
    release = target.kernel.release
    made = os.path.join(out, "upgrade")
    shutil.rmtree(made, ignore_errors=True)
    os.makedirs(made)
    with open(build.module_path(target), "rb") as f:
        module = f.read()
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
    for nr, (name, text) in enumerate(contents.items()):
        files[name] = os.path.join(made, str(nr))
        with open(files[name], "wb") as f:
            f.write(text)
        os.chmod(files[name], 0o755)
    files[f"/lib/modules/{release}/build/.config"] = os.path.join(kernel, "build/.config")
    before, after = make_packages(made, BEFORE), make_packages(made, version)
    files["/before.deb"] = os.path.join(before, f"scx-bypass-lb-dkms_{BEFORE}_all.deb")
    files["/after.deb"] = os.path.join(after, f"scx-bypass-lb-dkms_{version}_all.deb")
    files["/tools.deb"] = os.path.join(after, f"scx-bypass-lb-tools_{version}_amd64.deb")
    return files


# which files for which runs
FILES = {"bpftrace/module": bpftrace, "upgrade/module": upgrade}


def add_to(initrd, name, target, kernel):
    """Returns the initramfs for a run of this name: this one, or a larger one."""
    if name not in FILES:
        return initrd
    path = f"{initrd}-{name.partition('/')[0]}"
    vm.initramfs(FILES[name](target, kernel), path + "-only")
    # the kernel unpacks one archive behind the other
    with open(path, "wb") as whole:
        for part in (initrd, path + "-only"):
            with open(part, "rb") as f:
                shutil.copyfileobj(f, whole)
    os.remove(path + "-only")
    return path
