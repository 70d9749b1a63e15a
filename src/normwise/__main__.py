"""``python -m normwise``."""

from normwise.commands import main

if __name__ == "__main__":
    main()
