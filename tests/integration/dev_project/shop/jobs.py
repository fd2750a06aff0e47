import os


def take_stock() -> None:
    seen = {name: value for name, value in os.environ.items() if name.startswith(("AWS_", "SHOP_"))}
    print(f"environment {sorted(seen.items())}")
