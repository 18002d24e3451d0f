"""Charts as SVG elements for an HTML page; their colours are the page's CSS variables, so they fit dark and light."""
