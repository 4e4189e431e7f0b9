"""Training and evaluation of the digit model; the only room that imports TensorFlow to learn."""
