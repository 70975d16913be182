"""`python -m restorae` is the command `restorae`."""

from restorae.cli.main import main

main()
