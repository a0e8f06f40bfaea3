"""Python imports this when it starts as a server of the tests (:class:`plugin_tests.servers.Server`).

As few rounds of bcrypt as possible: with the usual number, to store or to check a password takes a quarter of a second.
"""
from functools import partial

import bcrypt

bcrypt.gensalt = partial(bcrypt.gensalt, 4)
