"""Jobs: what `gridloop run` and `gridloop import` carry out, each once, published as a whole or not at all."""
