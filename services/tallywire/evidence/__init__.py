"""What the topics tell, from the broker or from an exported folder, without Redis."""
