"""Known vulnerabilities of the dependencies that the syncer's image ships, by pip-audit.

pip-audit leaves out what its service does not know, says so in passing and ends well: a service
that does not answer looks like one that knows nothing bad. So a release that everybody knows to be
vulnerable is asked for, too, and an answer counts only when that one is found.
"""

from __future__ import annotations

from typing import Any

from lab.paths import REPO
from tools.audit import tools
from tools.audit.findings import Finding, Looked

PART = "advisories"
LOCK = REPO / "syncer" / "requirements.lock"
KNOWN = REPO / "tools" / "audit" / "samples" / "vulnerable.txt"
COMMAND = ("--disable-pip", "--no-deps", "--vulnerability-service", "pypi", "--timeout", "15")


def look() -> Looked:
    """Ask PyPI about every dependency."""
    output = ("--format", "json", "--progress-spinner", "off")
    answer, said = tools.ask("pip-audit", *COMMAND, *output, "-r", LOCK, "-r", KNOWN, may_fail=True)
    wanted = names(LOCK.read_text())
    if answer is None:
        return Looked(PART, unanswered=[f"{name}: {_last(said)}" for name in wanted])
    (known,) = names(KNOWN.read_text())
    return read(answer["dependencies"], wanted, known)


def read(dependencies: list[dict[str, Any]], wanted: list[str], known: str) -> Looked:
    """Return what the service's answers say of the wanted; `known` is the vulnerable one."""
    answers = {each["name"]: each for each in dependencies}
    looked = Looked(PART)
    if not answers.get(known, {}).get("vulns"):
        why = answers.get(known, {}).get("skip_reason", "it says nothing bad of what is known")
        looked.unanswered = [f"{name}: {why}" for name in wanted]
        return looked
    for name in wanted:
        answer = answers.get(name, {"skip_reason": "pip-audit did not ask for it"})
        if "skip_reason" in answer:
            looked.findings.append(Finding("not-found", name, answer["skip_reason"]))
        elif not answer["vulns"]:
            looked.good += 1
        for each in answer.get("vulns", ()):
            better = ", ".join(each["fix_versions"]) or "no version"
            says = f"{answer['version']} is vulnerable, mended by {better}"
            looked.findings.append(Finding(each["id"], name, says))
    return looked


def names(lock: str) -> list[str]:
    """Return what a lock file pins."""
    return [line.partition("==")[0] for line in lock.splitlines() if "==" in line]


def _last(text: str) -> str:
    return text.splitlines()[-1] if text else "no answer"
