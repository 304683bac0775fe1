"""Announcements of the Bodacc as the open-data service gives them: read, cleaned, classified. Pure."""
