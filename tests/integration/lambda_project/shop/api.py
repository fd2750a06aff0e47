import random
import time

from flask import Response, request

from blackcat import Blueprint

blueprint = Blueprint("shop", __name__)


@blueprint.get("/hello/<name>")
def hello(name: str):
    answer = Response(f"hello {name}", content_type="text/plain")
    answer.set_cookie("seen", name)
    answer.set_cookie("number", "1")
    return answer


@blueprint.post("/echo")
def echo():
    return Response(request.get_data(), content_type="application/octet-stream")


@blueprint.get("/large")
def large():
    return Response("x" * 7_000_000, content_type="text/plain")


@blueprint.get("/slow")
def slow():
    time.sleep(60)
    return "never"


@blueprint.get("/random")
def drawn():
    return {"number": random.random()}
