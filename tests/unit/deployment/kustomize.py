"""As much of `kustomize build` as generated overlays need; it fails where kustomize would."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

Object = dict[str, Any]


def build(folder: Path) -> list[Object]:
    """The objects of an overlay: resources, ConfigMaps, patches, replacements, images, namespace."""
    wanted = yaml.safe_load((folder / "kustomization.yaml").read_text())
    assert wanted["kind"] == "Kustomization"
    objects = [one for name in wanted["resources"] for one in _resource(folder / name)]
    objects += [_config_map(one, folder) for one in wanted.get("configMapGenerator", ())]
    for patch in wanted.get("patches", ()):
        for target in _selected(objects, patch["target"]):
            for operation in yaml.safe_load(patch["patch"]):
                assert operation["op"] == "replace"
                steps = [step.replace("~1", "/") for step in operation["path"].split("/")[1:]]
                _replace(target, steps, operation["value"])
    for replacement in wanted.get("replacements", ()):
        _copy(replacement, objects)
    for image in wanted.get("images", ()):
        used = [one for one in _containers(objects) if one["image"] == image["name"]]
        assert used, image
        for container in used:
            container["image"] = f"{image['newName']}:{image['newTag']}"
    for one in objects if "namespace" in wanted else ():
        if one["kind"] == "Namespace":
            assert one["metadata"]["name"] == wanted["namespace"]
        else:
            one["metadata"]["namespace"] = wanted["namespace"]
    names = [(one["kind"], one["metadata"]["name"]) for one in objects]
    assert len(set(names)) == len(names), "two objects of one name"
    return objects


def _resource(path: Path) -> list[Object]:
    if path.is_dir():
        return build(path)
    objects = list(yaml.safe_load_all(path.read_text()))
    assert all(isinstance(one, dict) for one in objects), f"{path} holds an empty document"
    return objects


def _config_map(generator: Object, folder: Path) -> Object:
    lines = [line for name in generator["envs"] for line in (folder / name).read_text().splitlines()]
    data = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": generator["name"]}, "data": data}


def _selected(objects: list[Object], selector: Object) -> list[Object]:
    found = [
        one
        for one in objects
        if one["kind"] == selector["kind"] and selector.get("name") in (None, one["metadata"]["name"])
    ]
    assert found, f"nothing is selected by {selector}"
    return found


def _copy(replacement: Object, objects: list[Object]) -> None:
    [source] = _selected(objects, replacement["source"])
    value = _value(source, _steps(replacement["source"]["fieldPath"]))
    for target in replacement["targets"]:
        for one in _selected(objects, target["select"]):
            for path in target["fieldPaths"]:
                new = value
                if options := target.get("options"):
                    parts = _value(one, _steps(path)).split(options["delimiter"])
                    parts[options["index"]] = value
                    new = options["delimiter"].join(parts)
                _replace(one, _steps(path), new)


def _steps(path: str) -> list[str]:
    """``a.[b.c/d].e``: what stands in brackets is one step."""
    head, bracket, rest = path.partition("[")
    if not bracket:
        return head.split(".")
    inner, _, tail = rest.partition("]")
    return [*head.rstrip(".").split("."), inner, *filter(None, tail.lstrip(".").split("."))]


def _value(one: Any, steps: list[str]) -> Any:
    for step in steps:
        one = one[int(step)] if isinstance(one, list) else one[step]
    return one


def _replace(one: Any, steps: list[str], value: Any) -> None:
    *way, last = steps
    holder = _value(one, way)
    assert last in holder, f"there is no {'/'.join(steps)} to replace"
    holder[last] = value


def _containers(objects: list[Object]) -> Iterator[Object]:
    for one in objects:
        if one["kind"] == "CronJob":
            yield from one["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
        elif one["kind"] == "Deployment":
            yield from one["spec"]["template"]["spec"]["containers"]
