"""The event-driven front of the server, which ``serve`` runs before Girder.

A request takes one way through it:

1. :mod:`.connection` limits the time and size of the head of a request.
2. :mod:`.application` begins an :class:`.exchange.Exchange`.
3. :mod:`.cached` answers it, if its response is cached and still current.
4. :mod:`.bodies` receives its body, as far as its limits allow.
5. :mod:`.collapsed` has it wait for the response of another one, if that request is the same.
6. :mod:`.admission` admits it to its class of work, or refuses it with 503.
7. :mod:`.cached` makes the response anew, if it is a list that is prepared. Otherwise :mod:`.girder` runs Girder's WSGI
   application in a thread, and sends the response. Slow clients occupy no thread.
8. :mod:`.access_log` logs it.
"""
