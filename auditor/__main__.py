"""``python -m auditor``."""

from auditor.cli import main

if __name__ == "__main__":  # workers that are started anew import this module, too
    main()
