"""The classifier: image encoder, query network, last layer."""
