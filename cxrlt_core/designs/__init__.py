"""The seven designs of the study, one file each."""
