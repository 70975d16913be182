"""The command that fuzzes the parsers; `running.py` says how."""

from tests.fuzz.running import main

if __name__ == "__main__":
    raise SystemExit(main())
