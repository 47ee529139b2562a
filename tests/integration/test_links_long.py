#!/usr/bin/env python3
"""Goal: as test_links.py, with every validator cut off in turn, more flapping and more damage."""

import test_links
from network import main


class LinksLong(test_links.Links):
    """The same tests with more rounds."""

    isolated, flaps, damages = (0, 1, 2, 3), 400, 200
    halvings = ("cut", "half-open", "one way") * 3


if __name__ == "__main__":
    main()
