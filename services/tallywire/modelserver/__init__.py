"""The embedded model server: TensorFlow Serving's own API over `tf.saved_model.load`."""
