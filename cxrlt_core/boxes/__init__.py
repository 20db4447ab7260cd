"""Where findings lie in images: boxes that people drew, as files have them and as packed images show them."""
