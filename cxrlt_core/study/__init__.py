"""From params.yaml to a study: read, said in full, checked; and what each of its variants is."""
