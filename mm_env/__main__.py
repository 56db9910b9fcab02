"""`python -m mm_env` runs the command `mm-env`."""

from mm_env.cli import main

if __name__ == "__main__":
    main()
