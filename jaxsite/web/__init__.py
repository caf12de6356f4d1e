"""The web server: uvicorn's event loop before Django's WSGI application in threads, in two processes."""
