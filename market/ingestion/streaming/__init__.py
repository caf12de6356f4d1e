"""The stream: what a provider pushes, into the newest quotes once a second."""
