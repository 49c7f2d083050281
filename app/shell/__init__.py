"""What all tabs share: theme, components, styles and scripts. Imports no other package of the app."""
