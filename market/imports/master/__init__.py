"""The symbol master: which instruments there are, as providers say, and what is stored of them."""
