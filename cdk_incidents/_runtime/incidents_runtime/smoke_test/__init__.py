"""The smoke test: a look at what matters to people, then an incident that nobody is paged for."""
