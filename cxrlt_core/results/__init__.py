"""What a study found, typed; names of attributes are those of the files between the stages."""
