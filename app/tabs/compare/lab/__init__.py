"""The Wait lab of the Compare tab: fork a trace at any token."""
