# SPDX-License-Identifier: GPL-2.0-only
"""Run scx-bypass on files made up for a large machine; see command.sh.

usage: command.py PROGRAM TOP WORK_DIRECTORY
"""
import json
import os
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree
from collections.abc import Callable, Sequence
from typing import NoReturn

from terminal import Terminal

PROGRAM, TOP, WORK = sys.argv[1:]
ROOT = os.path.join(WORK, "root")
CPUS, NODES, COLUMNS, ROWS = 192, 2, 80, 24
DEBUGFS = "sys/kernel/debug/scx_bypass_lb"
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "TERM": "xterm", "TZ": "UTC", "PATH": os.environ["PATH"]}


def fail(text: str) -> NoReturn:
    sys.exit(f"FAILED: {text}")


def check(right: bool, text: str) -> None:
    if not right:
        fail(text)
    print(text)


def write(name: str, text: str) -> None:
    path = os.path.join(ROOT, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def documented(name: str) -> list[str]:
    """The keys of a file, as docs/ABI has them."""
    with open(os.path.join(TOP, "docs/ABI/debugfs-scx_bypass_lb"), encoding="utf-8") as f:
        text = f.read().partition(f"What:\t\t/{DEBUGFS}/{name}\n")[2].partition("What:")[0]
    return re.findall(r"^\t\t(\w+):\t", text, re.MULTILINE)


def queue_of(cpu: int) -> int:
    return 1000 if cpu == 100 else cpu % 7


VALUES = {"version": "0.2.0", "backend": "direct", "hooks": "active", "proven": "yes", "bypass": "on",
          "now_ns": 12500000000, "bypass_since_ns": 10000000000, "readers_first": "Y",
          "kthreads_first": "Y", "expedite_rcu": "N", "nodeN_last_pass_ns": 12400000000,
          "nodeN_last_pass_cpu": 3, "cpuN_urgent": 0}


def status_text(**changed: object) -> str:
    """The status file of the machine, with every documented key."""
    values = {**VALUES, **changed}
    lines = []
    for group, count in (("", 1), ("node", NODES), ("cpu", CPUS)):
        for nr in range(count):
            for key in documented("status"):
                of = key.partition("N_")[0] if key.startswith(("nodeN_", "cpuN_")) else ""
                if of != group:
                    continue
                value = values.get(key, 7)
                if key == "cpuN_node":
                    value = nr * NODES // CPUS
                if key == "cpuN_queued" and values["bypass"] == "on":
                    value = queue_of(nr)
                elif key == "cpuN_queued":
                    value = 0
                lines.append(f"{key.replace('N_', f'{nr}_', 1) if of else key}: {value}\n")
    return "".join(lines)


def history_text(**changed: object) -> str:
    values = {"entered_task": r'a\nb"c', "left_task": "kworker/u8:1", "begin_real_ns": 10**18,
              "lasted_ns": 2153000000, "queued_max": 18240, **changed}
    return "".join("".join(f"{key}: {nr if key == 'episode' else values.get(key, 42)}\n"
                           for key in documented("history")) + "\n" for nr in range(3, 19))


def run(*arguments: str, status: int = 0, **environment: str) -> str:
    done = subprocess.run([PROGRAM, f"--root={ROOT}", *arguments], text=True, check=False,
                          capture_output=True, env={**ENVIRONMENT, **environment})
    if done.returncode != status:
        fail(f"{' '.join(arguments)}: exit status {done.returncode}, {done.stderr}")
    return done.stderr if status else done.stdout


def watched(columns: int, rows: int, **environment: str) -> Terminal:
    """scx-bypass watch on a terminal of its own."""
    return Terminal((PROGRAM, f"--root={ROOT}", "--interval=50", "watch"),
                    {**ENVIRONMENT, **environment}, columns, rows)


def fits(lines: Sequence[str]) -> bool:
    return len(lines) <= ROWS and all(len(line) <= COLUMNS for line in lines)


def has(text: str) -> Callable[[Sequence[str]], bool]:
    return lambda lines: any(text in line for line in lines)


def test_status() -> None:
    shown = run()
    lines = shown.splitlines()
    check(all(len(line) <= COLUMNS for line in lines), "status: no line is longer than 80")
    check("bypass      ON for 2500 ms, " in shown and " 100: 1000█" in shown,
          "status: 192 CPUs as cells")
    check("backend direct, hooks active\n" in shown, "status: the hooks")
    check("longest 1000 (CPU 100)" in shown, "status: the longest queue and its CPU")
    check("█" not in run(LC_ALL="C"), "status: without UTF-8 it is ASCII")
    data = json.loads(run("--json"))
    check(len(data["cpus"]) == CPUS and data["cpus"][100]["queued"] == 1000 and
          data["nodes"][1]["last_pass_cpu"] == 3 and data["expedite_rcu"] is False and
          data["scheduler"] == {"state": "enabled", "name": "large", "events":
                                {"SCX_EV_BYPASS_ACTIVATE": 4, "SCX_EV_ENQ_SKIP_EXITING": 0}},
          "status --json: numbers, booleans, nodes, CPUs, the scheduler")
    write("sys/kernel/sched_ext/root/ops", "1\n")
    check(json.loads(run("--json"))["scheduler"]["name"] == "1",
          "status --json: a scheduler named 1")
    write(f"{DEBUGFS}/status", status_text(bypass_lb_intv_us=0))
    check("parameters  interval off, slice " in run(), "status: no passes")
    keys = set(data) | {f"nodeN_{k}" for k in data["nodes"][0]} | \
        {f"cpuN_{k}" for k in data["cpus"][0]}
    check(set(documented("status")) <= keys, "status --json: every documented key")


def test_history() -> None:
    data = json.loads(run("--json", "history"))
    check([e["episode"] for e in data] == list(range(3, 19)) and
          all(list(e) == documented("history") for e in data),
          "history --json: 16 episodes with every documented key")
    check(data[0]["entered_task"] == r'a\nb"c', "history --json: a name with odd characters")
    for name in ("007", "Y", "-1"):
        write(f"{DEBUGFS}/history", history_text(entered_task=name))
        check(json.loads(run("--json", "history"))[0]["entered_task"] == name,
              f"history --json: a task named {name}")
    write(f"{DEBUGFS}/history", history_text())
    shown = run("history").splitlines()
    check(len(shown) == 33 and all(len(line) <= COLUMNS for line in shown) and
          "left by kworker/u8:1[42]" in shown[2], "history: a table of 80 columns")
    write(f"{DEBUGFS}/history", history_text(entered_task="x\x1b[2J\u20ac"))
    write("sys/kernel/sched_ext/root/ops", "y\x1b[2J\n")
    write("sys/kernel/sched_ext/root/events", "z\x1b[2J 1\n")
    check("\x1b" not in run("history") + run(), "history, status: nothing that a terminal obeys")


def test_watch() -> None:
    watch = watched(COLUMNS, ROWS)
    watch.until(has("entered by"), "watch: 192 CPUs on a screen of 80 by 24")
    screen = watch.screen.lines
    check(fits(screen), "watch: it fits")
    print(*(f"| {line}" for line in screen), sep="\n")
    rows = [line[12:] for line in screen if re.match(r"node \d +\d+ ", line)
            and "queued" not in line]
    check(sum(map(len, rows)) == CPUS and "█" in rows[2][:16] if len(rows) > 2 else False,
          "watch: one character for each CPU, the highest one for CPU 100")
    write(f"{DEBUGFS}/status", status_text(bypass="off", bypass_since_ns=0, proven="no"))
    watch.until(has("hooks active, proven: no"), "watch: it says what is not proven")
    watch.until(has("bypass      off"), "watch: it draws what has changed")
    watch.resize(100, 60)
    watch.until(lambda lines: any("100:    0·" in line for line in lines),
                "watch: a larger window gets cells")
    check(watch.end(keys=b"xq") == 0 and not watch.screen.alternate,
          "watch: q ends it and puts the screen back")

    write(f"{DEBUGFS}/status", status_text())
    for number in (2, 15):
        watch = watched(40, 10, LC_ALL="C")
        watch.until(has("q: quit"), "watch: a small window")
        check(watch.end(signal=number) == 0 and not watch.screen.alternate,
              f"watch: signal {number} ends it and puts the screen back")
    for columns, height in ((40, 10), (9, 200), (1, 1)):
        watch = watched(columns, height)
        watch.until(lambda lines: len(lines) >= min(height, 20), f"watch: {columns} by {height}")
        check(all(len(line) <= columns for line in watch.screen.lines), "watch: it is cut")
        check(watch.end(keys=b"q") == 0, "watch: and ends")
    watch = watched(COLUMNS, ROWS)
    watch.until(has("entered by"), "watch: a screen")
    check(not watch.stop(), "watch: Ctrl-Z gives the shell its screen")
    watch.screen.lines = [""]
    watch.screen.row = 0
    watch.goes_on()
    watch.until(has("entered by"), "watch: it goes on afterwards")
    check(watch.screen.alternate and watch.end(keys=b"q") == 0, "watch: q still ends it")
    test_slow_terminal()

    watch = watched(COLUMNS, ROWS)
    watch.until(has("q: quit"), "watch: the module is there")
    os.remove(os.path.join(ROOT, DEBUGFS, "status"))
    shutil.rmtree(os.path.join(ROOT, "sys/module"))
    check(watch.end() == 3 and not watch.screen.alternate, "watch: it ends if the module goes")
    make_machine()


def test_slow_terminal() -> None:
    """A terminal that takes nothing for a while, and whose size changes meanwhile."""
    watch = watched(COLUMNS, ROWS)
    watch.until(has("entered by"), "watch: a screen")
    for _ in range(40):
        time.sleep(0.05)
        watch.resize(COLUMNS, ROWS + 1)
        watch.resize(COLUMNS, ROWS)
    check(watch.end(keys=b"q") == 0, "watch: what a slow terminal has not taken is not lost")


def test_plot() -> None:
    name = os.path.join(WORK, "plot.svg")
    run("--seconds=1", "--interval=50", "plot", name)
    tree = xml.etree.ElementTree.parse(name)
    lines = tree.findall(".//{*}polyline")
    titles = [line.findtext("{*}title") for line in lines]
    check(titles == [*(f"CPU {nr}" for nr in range(CPUS)), "mean"], "plot: a line for each CPU")
    check("(it went on)" in "".join(tree.getroot().itertext()), "plot: it says what is missing")
    write(f"{DEBUGFS}/status", status_text(bypass="off", bypass_since_ns=0))
    check("cannot be written" in run("plot", "/nowhere/plot.svg", status=1),
          "plot: a file that cannot be written is known at once")
    check("not entered" in run("--wait=1", "plot", name, status=1) and
          len(xml.etree.ElementTree.parse(name).findall(".//{*}polyline")) == CPUS + 1,
          "plot: without bypass an older chart stays")
    run("--wait=1", "plot", name + "2", status=1)
    check(not os.path.exists(name + "2"), "plot: and a new one is not begun")


def test_options() -> None:
    """Each verb refuses the options that only others have."""
    has_options = {"status": ("json",), "history": ("json",), "watch": ("interval",), "metrics": (),
                   "report": (), "plot": ("interval", "wait", "seconds")}
    for verb, own in has_options.items():
        for option, word in (("json", "--json"), ("interval", "--interval=50"),
                             ("wait", "--wait=1"), ("seconds", "--seconds=1")):
            words = (verb, os.path.join(WORK, "options.svg")) if verb == "plot" else (verb,)
            # a verb that would go on until q is run on terminals, in test_watch()
            if option not in own:
                check(f"not an option of this verb: {option}\n" in run(word, *words, status=2),
                      f"{verb} has no --{option}")
            elif verb not in ("watch", "plot"):
                run(word, *words)
    run("--interval=50", "--wait=1", "--seconds=1", "plot", os.path.join(WORK, "options.svg"))
    check("not an option" in run("--interval=50", status=2), "no verb is the verb status")


def test_report() -> None:
    """Names of tasks that are made to be in the way."""
    for name, leaks in (("", "kept"), ("sec ret", "sec ret"), ("a: sec", "sec")):
        write(f"{DEBUGFS}/history", history_text(entered_task=name))
        text = run("report").partition(f"{DEBUGFS}/history\n")[2].partition("\n==")[0]
        check(leaks not in text and text.count("\nentered_task: *\n") == 16 and
              text.count("left_task: kworker/u8:1\n") == 16, f"report: the name '{name}'")
    config = "CONFIG_HZ_250=y\n"
    write(f"lib/modules/{os.uname().release}/build/.config", config)
    check(config in run("report"), "report: the configuration where /boot has none")


def test_disk_full() -> None:
    """Nobody may take a part for the whole."""
    for words in ((), ("--json",), ("history",), ("metrics",), ("report",), ("--help",),
                  ("--version",)):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([PROGRAM, f"--root={ROOT}", *words], stdout=full, check=False,
                                  stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
        check(done.returncode == 1 and "No space left" in done.stderr,
              f"disk full: {' '.join(words) or 'status'}")
    for words in (("--seconds=1", "plot"), ("report",)):
        check("No space left" in run(*words, "/dev/full", status=1), f"disk full: {words[-1]}")


def test_other_version() -> None:
    """As version 0.1.0 has it, which has no history either."""
    write(f"{DEBUGFS}/status", "hooks: active\nnode 0: 3 passes\n")
    os.remove(os.path.join(ROOT, DEBUGFS, "history"))
    for words in ((), ("--json",), ("history",), ("metrics",), ("plot", f"{WORK}/other.svg")):
        check("of a version that" in run(*words, status=1),
              f"another version: {' '.join(words) or 'status'}")


def test_without() -> None:
    shutil.rmtree(os.path.join(ROOT, DEBUGFS))
    check("mount debugfs" in run(status=1), "without debugfs: a sentence")
    shutil.rmtree(os.path.join(ROOT, "sys/module"))
    check("is not loaded" in run(status=3), "without the module: a sentence, status 3")
    write("proc/kallsyms", "0000000000000000 t scx_bypass_lb_timerfn\n")
    check("balances" in run(status=5), "on a kernel that balances itself: a sentence, status 5")
    shutil.rmtree(os.path.join(ROOT, "sys/kernel/sched_ext"))
    check("no sched_ext" in run(status=5), "without sched_ext: a sentence, status 5")
    check("no such directory" in run("--root=/nonexistent", status=2),
          "without the directory of --root: a sentence, status 2")


def make_machine() -> None:
    shutil.rmtree(ROOT, ignore_errors=True)
    write(f"{DEBUGFS}/status", status_text())
    write(f"{DEBUGFS}/history", history_text())
    write("sys/module/scx_bypass_lb/version", "0.2.0\n")
    write("sys/kernel/sched_ext/state", "enabled\n")
    write("sys/kernel/sched_ext/root/ops", "large\n")
    write("sys/kernel/sched_ext/root/events",
          "SCX_EV_BYPASS_ACTIVATE 4\nSCX_EV_ENQ_SKIP_EXITING 0\n")


for test in (test_status, test_history, test_watch, test_plot, test_options, test_report,
             test_disk_full, test_other_version, test_without):
    make_machine()
    test()
make_machine()
