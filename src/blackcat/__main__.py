"""``python -m blackcat``: the command line, where its script is not on the path."""

from blackcat.entrypoints.cli.main import main

if __name__ == "__main__":
    main()
