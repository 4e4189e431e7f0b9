"""`python -m tallywire` is the `tallywire` command."""

from tallywire.cli.main import main

if __name__ == "__main__":
    main()
