from types import SimpleNamespace

order = SimpleNamespace(id="o-1")
