"""What the numbers can and cannot say."""
