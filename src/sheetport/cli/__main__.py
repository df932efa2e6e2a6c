"""``python -m sheetport.cli``: the same as the ``sheetport`` command."""

from sheetport.cli.main import main

main()
