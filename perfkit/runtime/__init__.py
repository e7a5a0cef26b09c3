"""What an application imports to be watched and guarded in production."""
