"""The routes of a REST API, read from its Blueprints without starting it."""

from __future__ import annotations

from collections.abc import Sequence

from blackcat.domain.service import Service

_IMPLIED = {"HEAD", "OPTIONS"}


def routes_of(service: Service) -> Sequence[str] | None:
    """Method and path of each route, as ``POST /payments``; None when the module does not load."""
    from flask import Blueprint, Flask

    from blackcat.application.entrypoint import load_module

    app = Flask(service.name, static_folder=None)
    try:
        module = load_module(service.endpoint_module or "", subject=service.name)
        for blueprint in {
            id(one): one for one in vars(module).values() if isinstance(one, Blueprint)
        }.values():
            app.register_blueprint(blueprint)
    except Exception:  # whatever the project's code raises: the doctor tells it
        return None
    return sorted(
        (
            f"{','.join(sorted((rule.methods or set()) - _IMPLIED))} {rule.rule}"
            for rule in app.url_map.iter_rules()
        ),
        key=lambda route: (route.partition(" ")[2], route),
    )
