"""A Kubernetes pod as a process in it sees it: the downward API's variables, and what is there anyway."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path

from blackcat.infra.container import Platform

# Every pod gets it: https://kubernetes.io/docs/tutorials/services/connect-applications-service/
_IN_A_CLUSTER = "KUBERNETES_SERVICE_HOST"
_NAMESPACE = "var/run/secrets/kubernetes.io/serviceaccount/namespace"


def pod(environ: Mapping[str, str], root: Path = Path("/")) -> Platform | None:
    """None when this is no pod.

    POD_NAME, POD_NAMESPACE and NODE_NAME come from the downward API, where the pod's manifest asks for
    them: https://kubernetes.io/docs/concepts/workloads/pods/downward-api/. A pod's host name is its own
    name, unless the manifest says otherwise; its namespace stands beside the token of its service account.
    """
    if not environ.get(_IN_A_CLUSTER):
        return None
    details = {
        "namespace": environ.get("POD_NAMESPACE") or _namespace(root),
        "node": environ.get("NODE_NAME", ""),
    }
    return Platform(
        name="kubernetes",
        identity={"pod": environ.get("POD_NAME") or environ.get("HOSTNAME") or socket.gethostname()},
        details={name: value for name, value in details.items() if value},
    )


def _namespace(root: Path) -> str:
    try:
        return (root / _NAMESPACE).read_text().strip()
    except OSError:
        return ""
