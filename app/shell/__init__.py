"""The ground of the page: theme, shared components and scripts. Imports nothing else of the app."""
