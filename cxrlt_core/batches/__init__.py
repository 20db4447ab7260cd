"""From packed arrays to batches on the device."""
