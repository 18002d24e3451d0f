"""Draws charts as SVG elements for an HTML page, in the page's CSS variables, so that they fit dark and light mode."""
