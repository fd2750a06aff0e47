from apig_wsgi import make_lambda_handler
from flask import Flask

from lambda_contenders.events import SHOWN

app = Flask(__name__)


@app.get("/items/<int:item>")
def show(item):
    return SHOWN | {"id": item}


handler = make_lambda_handler(app.wsgi_app)
