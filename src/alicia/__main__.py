"""`python -m alicia` is `alicia`."""

from alicia.cli.app import main

main()
