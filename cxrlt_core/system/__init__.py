"""Files, devices, processes: nothing of the study itself."""
