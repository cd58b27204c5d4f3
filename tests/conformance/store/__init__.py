"""What every store must do. A store joins by passing this."""
