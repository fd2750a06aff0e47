from typing import Any

from fastapi import FastAPI
from mangum import Mangum

from lambda_contenders.events import SHOWN

app = FastAPI()


@app.get("/items/{item}")
def show(item: int) -> dict[str, Any]:
    return SHOWN | {"id": item}


handler = Mangum(app, lifespan="off")
