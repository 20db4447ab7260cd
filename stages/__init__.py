"""The scripts of dvc.yaml."""
