"""The oracle: the page and the terminal dialogue in which raters answer."""
