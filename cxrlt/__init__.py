"""The command ``cxrlt``: trained models in use. A file a sub-command; all else is in cxrlt_core/serving/."""
