import no_such_module_anywhere  # noqa: F401 - a broken service must not stop the others
