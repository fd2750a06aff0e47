"""The forms that declared names take where the platforms are stricter than the registry."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable

# The controller of CronJobs appends 11 characters, and a label holds 63.
# https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/
LABEL_MAX = 52
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resources-section-structure.html
LOGICAL_MAX = 180  # of 255: templates append what the thing is
# Roles and Lambda functions have 64, of which an environment takes eight: -staging.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
QUALIFIED_MAX = 56
# https://yaml.org/type/bool.html
_YAML_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})

_DIGEST = 6


def labels(names: Iterable[str]) -> dict[str, str]:
    """Each name as a DNS label, which Kubernetes wants: ``start_payment`` becomes ``start-payment``."""
    return _distinct(names, _label, LABEL_MAX, "-")


def logical_ids(names: Iterable[str], suffix: str = "") -> dict[str, str]:
    """Each name as a CloudFormation template's logical id: ``start_payment`` becomes ``StartPayment``."""
    ids = _distinct(names, _logical_id, LOGICAL_MAX, "")
    return {name: f"{id_}{suffix}" for name, id_ in ids.items()}


def numbers(names: Iterable[str], most: int) -> dict[str, int]:
    """Each name as a number of 1 to ``most``, which follows from the name and not from its place."""
    found: dict[str, int] = {}
    for name in dict.fromkeys(names):
        number = int(hashlib.sha256(name.encode()).hexdigest(), 16) % most
        while number + 1 in found.values():
            number = (number + 1) % most
        found[name] = number + 1
    return found


def qualified(project: str, label: str) -> str:
    """A service's label after its project's, which leaves room for the environment in 64 characters."""
    full = f"{project}-{label}"
    return full if len(full) <= QUALIFIED_MAX else _digested(full, full, QUALIFIED_MAX, "-")


def _distinct(names: Iterable[str], form: Callable[[str], str], longest: int, glue: str) -> dict[str, str]:
    """A name whose form is empty, too long, or taken by one before it, ends with a digest of itself.

    Those before it keep theirs: a new name must not replace what is deployed already.
    """
    forms: dict[str, str] = {}
    for name in dict.fromkeys(names):
        plain = form(name)
        if not plain or plain in forms.values() or len(plain) > longest:
            plain = _digested(plain, name, longest, glue)
        forms[name] = plain
    return forms


def _digested(form: str, name: str, longest: int, glue: str) -> str:
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST]
    return f"{form[: longest - _DIGEST - len(glue)].rstrip('-')}{glue}{digest}"


def _label(name: str) -> str:
    """A label that begins with a letter, and that YAML reads as a text."""
    label = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return f"app-{label}".strip("-") if label in _YAML_WORDS or not label[:1].isalpha() else label


def _logical_id(name: str) -> str:
    return "".join(word[0].upper() + word[1:] for word in re.split(r"[^A-Za-z0-9]+", name) if word)
