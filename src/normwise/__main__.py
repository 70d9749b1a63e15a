"""``python -m normwise``."""

from normwise.cli import main

if __name__ == "__main__":
    main()
