"""One streamed run, for every tab and API: request, session, rendering and recording."""
