"""How well a model reads: on rendered sheets, on MNIST, and on labelled crops of one's own."""
